//! Level 1: clients log in.

use super::Live;
use crate::failure::Failure;
use crate::stage::Stage;

/// The checks of this level, but for those that are transcripts.
pub(super) const CHECKS: &[Live] = &[
    Live {
        name: "login-while-another-is-silent",
        rule: "requests",
        why: "Whoever has connected and says nothing is in nobody's way.",
        hint: "A read that waits for one client must not keep the others waiting.",
        run: login_while_another_is_silent,
    },
    Live {
        name: "login-again-after-a-refusal",
        rule: "requests",
        why: "After a refusal the connection is kept, and another name may be tried.",
        hint: "Read on in a loop until a login succeeds.",
        run: login_again_after_a_refusal,
    },
];

fn login_while_another_is_silent(stage: &mut Stage) -> Result<(), Failure> {
    let mut silent = stage.connect("silent")?;
    silent.expect("Connect Success")?;
    stage.log_in("ann")?;
    Ok(())
}

fn login_again_after_a_refusal(stage: &mut Stage) -> Result<(), Failure> {
    let ann = stage.log_in("ann")?;
    let mut eve = stage.connect("eve")?;
    eve.expect("Connect Success")?;
    for _ in 0..3 {
        eve.say(&format!("login {}", ann.name))?;
        eve.expect("UserName Exist")?;
    }
    let free = format!("eve{}", stage.digits());
    eve.say(&format!("login {free}"))?;
    eve.expect("Login Success")?;
    Ok(())
}
