//! Load in its three forms, and what it costs.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;

use super::crowd::Crowd;
use super::link::Link;
use super::mark::Mark;
use super::process::{Process, Usage};
use super::transcript::Line;

/// Senders in a single room.
pub const SENDERS: usize = 10;

/// Requests that a piping sender writes at once.
const LINES_AT_ONCE: u64 = 256;

/// How lines are said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// As fast as the server takes them.
    Saturated,
    /// By so many senders in each room, each of which waits until its last line is back.
    InFlight(usize),
    /// By one sender, which waits until everybody has its last line.
    OneByOne,
    /// So many a second in all, whether the last ones are back or not.
    Steady(f64),
}

/// What a load cost.
#[derive(Debug)]
pub struct Cost {
    /// Lines said.
    pub lines: u64,
    /// Lines that came to somebody.
    pub deliveries: u64,
    /// From the first line said to the last one delivered.
    pub time: Duration,
    /// Processor time of the server.
    pub processor: Duration,
    /// Context switches of the server.
    pub switches: u64,
    /// Resident memory of the server after it.
    pub resident_bytes: u64,
    /// In microseconds: at a steady pace from when a line was due until a client had it; one by one
    /// from when a line was sent until the last client had it.
    pub latency: Option<Histogram<u64>>,
}

/// One sender's part of the load.
struct Lane {
    /// Who says it.
    client: usize,
    /// Who looks whether it is back.
    watcher: usize,
    room: Option<usize>,
    link: Link,
    texts: u64,
}

/// Lets `crowd` say about `lines` lines, and waits until everyone has got all of them.
///
/// # Errors
///
/// When a line is missing, or anything else than these lines comes.
pub fn run(process: &Process, crowd: &mut Crowd, pace: Pace, lines: u64) -> Result<Cost> {
    let mut lanes = lanes(crowd, pace, lines)?;
    let plan: Vec<_> = lanes.iter().map(|lane| (lane.client, lane.texts)).collect();
    let rooms: Vec<_> = lanes.iter().map(|lane| lane.room.unwrap_or(0)).collect();
    crowd.expect(&plan, |lane| rooms[lane]);

    let before = process.usage()?;
    let start = Instant::now();
    let latency = match pace {
        Pace::Saturated => saturate(crowd, &mut lanes).map(|()| None),
        Pace::InFlight(_) => in_flight(crowd, &mut lanes).map(|()| None),
        Pace::OneByOne => one_by_one(crowd, &lanes[0]).map(Some),
        Pace::Steady(rate) => steady(crowd, &mut lanes, rate).map(Some),
    }?;
    let time = start.elapsed();
    let after = process.usage()?;
    Ok(cost(crowd, &plan, before, after, time, latency))
}

fn cost(
    crowd: &Crowd,
    plan: &[(usize, u64)],
    before: Usage,
    after: Usage,
    time: Duration,
    latency: Option<Histogram<u64>>,
) -> Cost {
    let lines: u64 = plan.iter().map(|(_, texts)| texts).sum();
    let listeners = crowd.readers() as u64 / crowd.shape().rooms() as u64;
    let own = if crowd.dialect().echoes() { 0 } else { lines };
    Cost {
        lines,
        deliveries: lines * listeners - own,
        time,
        processor: after.processor - before.processor,
        switches: after.switches.saturating_sub(before.switches),
        resident_bytes: after.resident_bytes,
        latency,
    }
}

/// The senders: some in a single room, evenly spread over it, or one in each of many rooms.
fn lanes(crowd: &Crowd, pace: Pace, lines: u64) -> Result<Vec<Lane>> {
    let (shape, has_one_sender) = (crowd.shape(), crowd.dialect().has_one_speaker());
    let count = match pace {
        _ if shape.rooms() > 1 => shape.rooms(),
        Pace::Saturated if has_one_sender => 1,
        Pace::OneByOne => 1,
        Pace::InFlight(senders) => senders,
        Pace::Saturated | Pace::Steady(_) => SENDERS,
    };
    let needed = if crowd.dialect().echoes() { count } else { 2 * count };
    ensure!(needed <= shape.clients, "{count} senders need {needed} clients");
    let texts = (lines / count as u64).max(1);
    (0..count)
        .map(|lane| {
            let speaker = lane * shape.clients / count;
            let client = if has_one_sender { 0 } else { speaker };
            let room = shape.room(speaker);
            let watcher = match room {
                // Who gets no echo looks at what a neighbour gets.
                _ if !crowd.dialect().echoes() => speaker + 1,
                None => client,
                Some(_) => speaker,
            };
            Ok(Lane { client, watcher, room, link: crowd.sender(client)?, texts })
        })
        .collect()
}

/// Everyone pipes.
fn saturate(crowd: &mut Crowd, lanes: &mut [Lane]) -> Result<()> {
    let dialect = crowd.dialect();
    // In many rooms there are many senders, but a few threads write for them all; and those that
    // share a connection must not cut each other's lines.
    let is_shared = lanes.iter().skip(1).any(|lane| lane.client == lanes[0].client);
    let share = if is_shared { lanes.len() } else { lanes.len().div_ceil(SENDERS) };
    thread::scope(|scope| {
        let mut speakers = Vec::new();
        for (first, part) in (0..).step_by(share).zip(lanes.chunks_mut(share)) {
            let builder = thread::Builder::new().name(format!("sender-{first}"));
            speakers.push(builder.spawn_scoped(scope, move || -> Result<()> {
                let mut requests = Vec::new();
                let texts = part.iter().map(|lane| lane.texts).max().unwrap_or(0);
                for from in (0..texts).step_by(LINES_AT_ONCE as usize) {
                    for (number, lane) in (first..).zip(part.iter_mut()) {
                        requests.clear();
                        for text in from..lane.texts.min(from + LINES_AT_ONCE) {
                            let mark = Mark { lane: number, number: text };
                            dialect.say(lane.client, lane.room, mark, &mut requests);
                        }
                        dialect.send(&lane.link, &requests).context("cannot send")?;
                    }
                }
                Ok(())
            })?);
        }
        let listened = crowd.listen(&mut |_, _| Ok(()));
        let spoken: Result<Vec<()>> = speakers
            .into_iter()
            .map(|speaker| speaker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect();
        listened?;
        spoken.map(drop)
    })
}

/// Each says its next line when the last one is back.
fn in_flight(crowd: &mut Crowd, lanes: &mut [Lane]) -> Result<()> {
    let dialect = crowd.dialect();
    let mut is_watcher = vec![false; crowd.shape().clients];
    for lane in &*lanes {
        is_watcher[lane.watcher] = true;
    }
    for (number, lane) in lanes.iter_mut().enumerate() {
        let mut request = Vec::new();
        dialect.say(lane.client, lane.room, Mark { lane: number, number: 0 }, &mut request);
        dialect.send(&lane.link, &request)?;
    }
    let mut requests = Vec::new();
    crowd.listen(&mut |client, lines| {
        if !is_watcher[client] {
            return Ok(());
        }
        let mut link = None;
        requests.clear();
        for Line { mark, .. } in lines.iter().filter(|line| lanes[line.mark.lane].watcher == client)
        {
            let lane = &lanes[mark.lane];
            if mark.number + 1 < lane.texts {
                let next = Mark { lane: mark.lane, number: mark.number + 1 };
                dialect.say(lane.client, lane.room, next, &mut requests);
                link = Some(&lane.link);
            }
        }
        // A client watches for one sender, or for all that share its connection.
        if let Some(link) = link {
            dialect.send(link, &requests)?;
        }
        Ok(())
    })
}

/// One says its next line when everybody has the last one.
fn one_by_one(crowd: &mut Crowd, lane: &Lane) -> Result<Histogram<u64>> {
    let dialect = crowd.dialect();
    let readers = crowd.readers() - usize::from(!dialect.echoes());
    let mut way = Histogram::new(3)?;
    let mut said = 0;
    let mut request = Vec::new();
    let mut say = |number| {
        request.clear();
        dialect.say(lane.client, lane.room, Mark { lane: 0, number }, &mut request);
        dialect.send(&lane.link, &request).map(|()| Instant::now())
    };
    let mut since = say(0)?;
    let mut received = 0;
    crowd.listen(&mut |_, lines| {
        received += lines.len();
        if received == readers {
            way.record(since.elapsed().as_micros() as u64)?;
            (received, said) = (0, said + 1);
            if said < lane.texts {
                since = say(said)?;
            }
        }
        Ok(())
    })?;
    Ok(way)
}

/// Lines are due at fixed moments, in turn from each sender. A server that is late is late for
/// all of them: what waits in front of it counts.
fn steady(crowd: &mut Crowd, lanes: &mut [Lane], rate: f64) -> Result<Histogram<u64>> {
    let dialect = crowd.dialect();
    let start = Instant::now() + Duration::from_millis(10);
    let count = lanes.len() as u64;
    let texts = lanes.iter().map(|lane| lane.texts).max().unwrap_or(0);
    let due = move |mark: Mark| {
        start + Duration::from_secs_f64((mark.number * count + mark.lane as u64) as f64 / rate)
    };
    let mut latency = Histogram::new(3)?;
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("sender".into());
        let speaker = builder.spawn_scoped(scope, move || -> Result<()> {
            let mut request = Vec::new();
            for number in 0..texts {
                for (index, lane) in lanes.iter_mut().enumerate() {
                    let mark = Mark { lane: index, number };
                    request.clear();
                    dialect.say(lane.client, lane.room, mark, &mut request);
                    thread::sleep(due(mark).saturating_duration_since(Instant::now()));
                    dialect.send(&lane.link, &request).context("cannot send")?;
                }
            }
            Ok(())
        })?;
        let listened = crowd.listen(&mut |_, lines| {
            let now = Instant::now();
            for line in lines {
                let late = now.saturating_duration_since(due(line.mark));
                latency.record(late.as_micros() as u64)?;
            }
            Ok(())
        });
        let spoken = speaker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        listened?;
        spoken
    })?;
    Ok(latency)
}
