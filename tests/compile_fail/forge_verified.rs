//! A statement is verified through one door, which asks for a key.
use amana::{
    model::statement::Body,
    wire::statement::{Unverified, Verified},
};

fn skip_the_door(statement: Unverified) -> Verified<Body> {
    statement.into()
}

fn main() {}
