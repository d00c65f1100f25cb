//! Names that were seen, for completion.

use chat_client::model::names::Names;

/// Names that are kept at most.
const MOST: usize = 1000;

#[test]
fn the_most_recent_speaker_comes_first() {
    let names = Names::default();
    names.saw_user("bo");
    names.saw_user("cy");
    names.spoke("dee");
    names.spoke("cy");
    assert_eq!(names.users(""), ["cy", "dee", "bo"]);
    names.left("dee");
    names.saw_user("Cyril");
    assert_eq!(names.users("CY"), ["cy", "Cyril"]);
    for deceit in ["a b", "<U+202E>", "", &"x".repeat(33)] {
        names.spoke(deceit);
        names.saw_user(deceit);
        names.saw_room(deceit);
    }
    assert_eq!((names.users("").len(), names.rooms("").len()), (3, 0));
    for number in 0..2 * MOST {
        names.spoke(&number.to_string());
    }
    assert_eq!(names.users("").len(), MOST);
}
