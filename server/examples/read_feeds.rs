//! Prints what the server parses of RSS and Atom documents: `scripts/compare-feeds` compares it with another parser.
//!
//! Reads a line of JSON for each document, with `path`, `address` and `content_type`, and answers with one each.

use std::{error::Error, fs, io};

use feeds::{
    fetch::Document,
    markup::{self, Date, Item},
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Input {
    path: String,
    address: String,
    content_type: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    for line in io::stdin().lines() {
        let input: Input = serde_json::from_str(&line?)?;
        let document = Document {
            content_type: input.content_type,
            body: fs::read(&input.path)?.into(),
        };
        let answer = match markup::parse(&document, &input.address.parse()?) {
            Ok(read) => {
                let items: Vec<Value> = read.items.iter().map(item).collect();
                json!({"path": input.path, "items": items, "faults": read.faults})
            }
            Err(error) => json!({"path": input.path, "error": error}),
        };
        println!("{answer}");
    }
    Ok(())
}

fn item(item: &Item) -> Value {
    let title = item.title.as_ref().map(|title| title.plain());
    let time = match item.date {
        Date::At(time) => Some(time),
        _ => None,
    };
    json!({
        "title": title.unwrap_or_default(),
        "link": item.link.as_ref().map(|link| link.as_str()),
        "time": time,
    })
}
