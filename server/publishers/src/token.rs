//! Tokens and their hashes.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The longest name of a publisher.
const MAX_NAME: usize = 64;

/// The beginning of every generated token, so that a token that leaked into a repository or a log can be found by a
/// search, and is never mistaken for a hash.
const PREFIX: &str = "tickertape_";

/// A grant: a name, and the SHA-256 of the token that proves it. It is written `NAME:HASH`.
///
/// A generated token is 256 random bits, which cannot be guessed from its hash; the slow hashes that passwords need
/// would only cost time at each request.
/// passwords need would only cost time at each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenGrant {
    name: String,
    hash: TokenHash,
}

type TokenHash = [u8; 32];

/// Why a text is not a [`TokenGrant`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantError(String);

impl fmt::Display for GrantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for GrantError {}

impl TokenGrant {
    /// A grant to the holder of the token.
    ///
    /// # Errors
    /// If the name is invalid.
    pub fn new(name: &str, token: &str) -> Result<Self, GrantError> {
        Ok(TokenGrant {
            name: publisher_name(name)?,
            hash: hash(token),
        })
    }

    /// The publisher's name, for the log.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether this is the token, in a time that does not depend on how much of it is right.
    fn is_of(&self, hash: &TokenHash) -> Choice {
        self.hash.ct_eq(hash)
    }

    /// The first grant that matches the token. Every grant is compared, so that the time does not reveal which one
    /// matched, or whether one did.
    pub(super) fn find<'a, T>(
        grants: &'a [T],
        grant: impl Fn(&T) -> &TokenGrant,
        token: &str,
    ) -> Option<&'a T> {
        let hash = hash(token);
        let mut found = None;
        for candidate in grants {
            if bool::from(grant(candidate).is_of(&hash)) && found.is_none() {
                found = Some(candidate);
            }
        }
        found
    }
}

impl fmt::Display for TokenGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = base16ct::lower::encode_string(&self.hash);
        write!(f, "{}:{hash}", self.name)
    }
}

impl FromStr for TokenGrant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        // The text is not repeated: it may be a token that was given by mistake.
        let (name, digits) = text.split_once(':').ok_or_else(|| {
            GrantError("expected NAME:HASH, as `tickertape token NAME` prints it".to_owned())
        })?;
        let name = publisher_name(name)?;
        let mut hash = TokenHash::default();
        match base16ct::mixed::decode(digits, &mut hash) {
            Ok(bytes) if bytes.len() == size_of::<TokenHash>() => Ok(TokenGrant { name, hash }),
            _ => Err(GrantError(format!(
                "after {name}: expected the SHA-256 of the token, 64 hexadecimal digits, as `tickertape token {name}` prints it"
            ))),
        }
    }
}

/// Checks the name of a publisher.
///
/// # Errors
/// If it is invalid.
pub fn publisher_name(name: &str) -> Result<String, GrantError> {
    let right = (1..=MAX_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if right {
        return Ok(name.to_owned());
    }
    let start: String = name.chars().take(MAX_NAME).collect();
    Err(GrantError(format!(
        "{start:?} is not the name of a publisher: expected 1 to {MAX_NAME} of letters, digits, . _ -"
    )))
}

fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

/// A new token: 256 random bits, in characters that a header may carry.
///
/// # Errors
/// If the system gives no random numbers.
pub fn new_token() -> Result<String, getrandom::Error> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    let digits = base16ct::lower::encode_string(&random);
    Ok(format!("{PREFIX}{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of `abc`, from FIPS 180-2, appendix B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn find<'a>(grants: &'a [TokenGrant], token: &str) -> Option<&'a str> {
        TokenGrant::find(grants, |grant| grant, token).map(TokenGrant::name)
    }

    #[test]
    fn a_grant_reads_back_as_it_is_shown_and_never_shows_the_token() {
        let grant = TokenGrant::new("news.desk-1", "abc").unwrap();
        assert_eq!(grant.to_string(), format!("news.desk-1:{ABC}"));
        let upper = format!("news.desk-1:{}", ABC.to_uppercase());
        for text in [grant.to_string(), upper] {
            assert_eq!(text.parse(), Ok(grant.clone()));
        }
    }

    #[test]
    fn what_is_no_grant_is_refused_with_what_was_expected() {
        let short = format!("desk:{}", &ABC[2..]);
        let long = format!("desk:{ABC}00");
        let other = format!("desk:{}x", &ABC[1..]);
        let nameless = format!(":{ABC}");
        let spaced = format!("a desk:{ABC}");
        for (text, words) in [
            ("", "NAME:HASH"),
            (ABC, "NAME:HASH"),
            ("desk:", "64 hexadecimal digits"),
            (&short, "64 hexadecimal digits"),
            (&long, "64 hexadecimal digits"),
            (&other, "64 hexadecimal digits"),
            (&nameless, "\"\" is not the name"),
            (&spaced, "\"a desk\" is not the name"),
        ] {
            let error = text.parse::<TokenGrant>().unwrap_err().to_string();
            assert!(error.contains(words), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_token_in_place_of_its_hash_is_refused_and_not_repeated() {
        let token = new_token().unwrap();
        for text in [token.clone(), format!("desk:{token}")] {
            let error = text.parse::<TokenGrant>().unwrap_err().to_string();
            assert!(!error.contains(&token), "{error}");
        }
    }

    #[test]
    fn only_the_whole_token_opens() {
        let grants = [
            TokenGrant::new("one", "abc").unwrap(),
            TokenGrant::new("two", "abcd").unwrap(),
            TokenGrant::new("again", "abc").unwrap(),
        ];
        assert_eq!(find(&grants, "abc"), Some("one"));
        assert_eq!(find(&grants, "abcd"), Some("two"));
        for wrong in ["", "ab", "ABC", "abcde", "abc ", ABC] {
            assert_eq!(find(&grants, wrong), None, "{wrong:?}");
        }
        assert_eq!(find(&[], "abc"), None);
    }

    #[test]
    fn hashes_are_compared_to_the_last_bit() {
        let grant = TokenGrant::new("one", "abc").unwrap();
        assert!(bool::from(grant.is_of(&hash("abc"))));
        for bit in 0..256 {
            let mut other = hash("abc");
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!bool::from(grant.is_of(&other)), "bit {bit}");
        }
    }

    #[test]
    fn tokens_are_long_different_and_fit_a_header() {
        let (one, two) = (new_token().unwrap(), new_token().unwrap());
        assert_ne!(one, two);
        for token in [one, two] {
            assert_eq!(token.len(), PREFIX.len() + 64);
            // The characters of RFC 6750's b64token that need no quoting anywhere.
            assert!(
                token
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            );
        }
    }
}
