//! Whether a server that is silent is alive.

use std::time::{Duration, Instant};

use chat_client::model::liveness::{Doubt, Liveness};

const HALF_A_MINUTE: Duration = Duration::from_secs(30);

#[test]
fn silence_leads_to_a_question_and_then_to_the_end() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let mut liveness = Liveness::new(HALF_A_MINUTE, HALF_A_MINUTE, start);
    assert_eq!(liveness.deadline(), at(30));
    liveness.heard(at(10));
    assert_eq!(liveness.deadline(), at(40));
    assert_eq!(liveness.expired(at(40)), Doubt::Ask);
    assert_eq!(liveness.deadline(), at(70));
    liveness.heard(at(50));
    assert_eq!(liveness.expired(at(80)), Doubt::Ask);
    assert_eq!(liveness.deadline(), at(110));
    assert_eq!(liveness.expired(at(110)), Doubt::Dead);
}

#[test]
fn a_long_suspension_is_no_reason_to_give_up() {
    let start = Instant::now();
    let later = start + Duration::from_secs(3600);
    let mut liveness = Liveness::new(HALF_A_MINUTE, HALF_A_MINUTE, start);
    assert_eq!(liveness.expired(later), Doubt::Ask);
    assert_eq!(liveness.deadline(), later + HALF_A_MINUTE);
}
