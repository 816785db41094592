//! Characters of texts from outside that a reader would not see for what they are.

/// Whether a character is not seen itself and does something to what is around it: controls, which a terminal obeys, ends of
/// lines, and those that turn the direction of a text around, so that a name reads as another one.
///
/// Source: Unicode Standard Annex 9, §2; its general categories Cc, Zl and Zp, and of Cf what has no width.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_a_name_around_is_told_from_what_is_written() {
        let controls = ['\n', '\u{7f}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{2029}', '\u{feff}'];
        let others = ['\u{180e}', '\u{1bca0}', '\u{1bca3}', '\u{1d173}', '\u{1d17a}'];
        for hidden in controls.into_iter().chain(others) {
            assert!(is_hidden(hidden), "{hidden:?}");
        }
        for seen in
            [' ', '\u{180d}', '\u{1bc9f}', '\u{1d172}', '\u{1d17b}', 'ä', '𝄞', '日', 'א', 'ع', '\u{301}', '-']
        {
            assert!(!is_hidden(seen), "{seen:?}");
        }
    }
}
