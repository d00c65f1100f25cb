//! How a responder comes to a name, and what it does when somebody else has that.

use super::*;

#[test]
fn it_probes_three_times_and_announces_twice() {
    let mut model = Model::new();
    assert_eq!(model.responder.goodbye(), None);
    let sent = model.run(10_000);
    let (times, packets): (Vec<_>, Vec<_>) = sent.into_iter().unzip();
    assert_eq!(packets, [PROBE, PROBE, PROBE, ALL, ALL]);
    assert!(times[0] < 250, "{times:?}");
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps, [250, 250, 250, 1000]);
    assert_eq!(model.responder.name(), Some("lab"));
    let goodbye = shown(&model.responder.goodbye().unwrap());
    assert!(goodbye.starts_with("= _chat._tcp.local 0 PTR lab"), "{goodbye}");
    assert!(!goodbye.contains("120") && !goodbye.contains("4500"), "{goodbye}");
}

#[test]
fn a_name_that_somebody_has_is_left_to_him() {
    let mut model = Model::new();
    model.run(300);
    model.hear(&claim("lab", "another", false), OTHER);
    assert_eq!(model.responder.name(), None);
    let sent = model.run(10_000);
    assert!(sent[0].0 >= 1000, "{sent:?}");
    assert_eq!(model.responder.name(), Some("lab-2"));
    assert!(sent[0].1.contains("? lab-2._chat"), "{sent:?}");
    // A probe for the name is answered at once, so that nobody else takes it.
    model.hear(&claim("lab-2", "another", true), OTHER);
    let sent = model.run(1000);
    assert!(sent[0].0 == 0 && sent[0].1.contains("SRV chat-of-lab.local:6666"), "{sent:?}");
}

#[test]
fn who_is_certain_of_a_name_looks_once_more() {
    let mut model = Model::settled();
    model.hear(&claim("lab", "another", false), OTHER);
    assert_eq!(model.responder.name(), None);
    // Nobody defends it.
    let sent = model.run(10_000);
    assert_eq!(sent.iter().filter(|(_, packet)| packet == PROBE).count(), 3, "{sent:?}");
    assert_eq!(model.responder.name(), Some("lab"));
}

#[test]
fn what_is_no_claim_changes_nothing() {
    let mut over = claim("lab", "another", false);
    over.answers[0].ttl = 0;
    for (packet, from) in [
        (claim("lab", "chat-of-lab", false), OTHER),
        (claim("hall", "another", false), OTHER),
        (claim("lab", "another", false), SocketAddrV4::new(*OTHER.ip(), 50_000)),
        (over, OTHER),
    ] {
        let mut model = Model::settled();
        model.hear(&packet, from);
        assert_eq!(model.responder.name(), Some("lab"), "{packet:?}");
    }
}

/// Two servers of one name, switched on together.
#[test]
fn two_who_probe_together_end_with_two_names() {
    for seed in 0..50 {
        let now = Instant::now();
        let mut pair = [1, 2].map(|number| {
            let own = Service { host: format!("host-{number}"), ..service("lab") };
            Responder::new(own, vec![ADDRESS], Rng::with_seed(seed * 2 + number), now)
        });
        for step in 0..60_000 {
            let now = now + Duration::from_millis(step);
            for sender in 0..2 {
                for packet in pair[sender].packets(now) {
                    // One's own packets come back.
                    pair.iter_mut().for_each(|responder| {
                        responder.heard(&packet, OTHER, now);
                    });
                }
            }
        }
        let mut names = pair.each_ref().map(|responder| responder.name().unwrap());
        names.sort_unstable();
        assert_eq!(names, ["lab", "lab-2"], "{seed}");
    }
}

#[test]
fn somebody_who_takes_every_name_is_asked_ever_more_rarely() {
    let mut model = Model::new();
    let mut tries = 0;
    for _ in 0..6000 {
        for (_, packet) in model.run(100) {
            let name = packet.split_once("? ").unwrap().1.split('.').next().unwrap().to_owned();
            model.hear(&claim(&name, "another", false), OTHER);
            tries += 1;
        }
    }
    assert!((20..60).contains(&tries), "{tries}");
}
