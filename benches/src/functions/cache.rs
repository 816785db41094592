//! A cache from its inputs to the file that answers.

use super::{Call, Parts};
use answer::Fragments;
use cache::{View, inventory::Inventory};
use compiler::compile::{Skipped, mirrormanager};
use std::hint::black_box;

pub(super) fn check(parts: &Parts) -> Call<'_> {
    Box::new(|| {
        black_box(View::check(black_box(&parts.bytes)).is_ok());
    })
}

pub(super) fn open(parts: &Parts) -> Call<'_> {
    Box::new(|| {
        black_box(View::access(black_box(&parts.bytes)).is_ok());
    })
}

pub(super) fn prepare(parts: &Parts) -> Call<'_> {
    let view = parts.view();
    Box::new(move || {
        black_box(Fragments::prepare(black_box(&view)).is_ok());
    })
}

pub(super) fn import(parts: &Parts) -> Call<'_> {
    let protobuf = &parts.small().protobuf;
    Box::new(move || {
        let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
        let read = mirrormanager::import(black_box(protobuf), &mut inventory, &mut skipped);
        black_box((read.is_ok(), inventory));
    })
}

pub(super) fn build(parts: &Parts) -> Call<'_> {
    let inventory = &parts.small().inventory;
    Box::new(move || {
        black_box(cache::write(black_box(inventory), 0).is_ok());
    })
}
