//! A block gives back what was put in, and nothing else ever.
// Helpers outside of `#[test]` functions: a failure is to stop the test here as well.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap
)]

mod support;

use std::sync::Arc;

use ledger::block::{Block, BlockError, Encoder, HEADER_LEN, Header, MAJOR, Origin};
use ledger::{AttemptId, BudgetAmount, Entry, EntryBody, Seq, UnixMicros, name};
use prices::Nano;
use proptest::prelude::*;
use support::{Random, at, body, opened, settled};
use tokens::Kind;

const ORIGIN: Origin = Origin { writer: 7, epoch: 3, previous: 0xdead_beef };

fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::default().encode(ORIGIN, entries, &mut out);
    out
}

fn entries(random: &mut Random, count: u64) -> Vec<Entry> {
    (0..count).map(|n| Entry { seq: Seq(41 + n), at: at(random, n), body: body(random) }).collect()
}

/// Numbers at the borders of their types, texts of every length.
fn wild(random: &mut Random, seq: u64) -> Entry {
    let number = |random: &mut Random| match random.below(5) {
        0 => 0,
        1 => u64::MAX,
        2 => 1 << random.below(64),
        3 => random.below(300),
        _ => random.next(),
    };
    let text = |random: &mut Random| name(&"字x".repeat(random.below(70) as usize));
    let mut made = (*opened(random)).clone();
    made.attempt_id = AttemptId(u128::from(number(random)));
    made.opened_at = UnixMicros(number(random) as i64);
    made.attempt = number(random) as u32;
    made.input_estimate = number(random);
    made.output_bound = number(random);
    made.foreseen.p99 = number(random);
    made.hold.amount = Nano(number(random) as i64);
    made.requested_model = text(random);
    made.held.push(BudgetAmount { budget: text(random), amount: Nano(number(random) as i64) });
    let made = Arc::new(made);
    let body = match random.below(3) {
        0 => EntryBody::Opened(made),
        1 => body(random),
        _ => {
            let mut ended = settled(random, made);
            ended.first_token_at = ended.first_token_at.map(|_| UnixMicros(number(random) as i64));
            ended.ended_at = UnixMicros(number(random) as i64);
            ended.http_status = number(random) as u16;
            ended.recounted = ended.recounted.map(|_| number(random));
            ended.charge = ended.charge.map(|_| Nano(number(random) as i64));
            ended.raw_usage = text(random);
            for kind in Kind::ALL {
                ended.tokens.set(*kind, number(random));
            }
            EntryBody::Settled(Box::new(ended))
        }
    };
    Entry { seq: Seq(seq), at: UnixMicros(number(random) as i64), body }
}

proptest! {
    /// What is written is read, field by field, whatever the numbers are.
    #[test]
    fn entries_come_back(seed: u64, count in 1_u64..200) {
        let random = &mut Random(seed);
        let first = random.below(u64::MAX - 1000);
        let written: Vec<Entry> = (0..count).map(|n| wild(random, first + n)).collect();
        let bytes = encode(&written);
        let block = Block::read(&bytes).unwrap();
        prop_assert_eq!(block.header.total_len(), bytes.len());
        prop_assert_eq!(block.header.count as usize, written.len());
        prop_assert_eq!(block.header.min_at, written.iter().map(|entry| entry.at.0).min().unwrap());
        prop_assert_eq!(block.header.max_at, written.iter().map(|entry| entry.at.0).max().unwrap());
        prop_assert_eq!(block.entries().unwrap(), written);
    }

    /// Bytes from anywhere are no block, and do no harm.
    #[test]
    fn noise_is_no_block(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(Block::read(&bytes).is_err());
    }

    /// Content that is broken under right checksums is refused or read, without panic and within bounds.
    #[test]
    fn resealed_damage_does_no_harm(seed: u64, count in 1_u64..20, hits in 1_usize..6) {
        let random = &mut Random(seed);
        let mut bytes = encode(&entries(random, count));
        for _ in 0..hits {
            let place = HEADER_LEN + random.below((bytes.len() - HEADER_LEN) as u64) as usize;
            bytes[place] = random.next() as u8;
        }
        reseal(&mut bytes);
        if let Ok(block) = Block::read(&bytes) && let Ok(entries) = block.entries() {
            prop_assert_eq!(entries.len(), count as usize);
        }
    }
}

/// Puts right checksums over a damaged payload, as an attacker would.
fn reseal(bytes: &mut [u8]) {
    let mut header = Header::read(&bytes[..HEADER_LEN]).unwrap();
    let payload = bytes[HEADER_LEN..].to_vec();
    let (directory, groups) = payload.split_at(header.directory_len as usize);
    let mut directory = directory.to_vec();
    let (mut at, mut group_at) = (1, 0);
    // group: id, rows (one byte each below 128), length (LEB128), checksum
    while at + 2 < directory.len() {
        at += 2;
        let (mut len, mut shift) = (0_usize, 0);
        while at < directory.len() && shift < 28 {
            let byte = directory[at];
            at += 1;
            len |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let Some(group) = groups.get(group_at..group_at + len) else { break };
        let Some(crc) = directory.get_mut(at..at + 4) else { break };
        crc.copy_from_slice(&crc32c::crc32c(group).to_le_bytes());
        group_at += len;
        at += 4;
    }
    header.directory_crc = crc32c::crc32c(&directory);
    bytes[HEADER_LEN..HEADER_LEN + directory.len()].copy_from_slice(&directory);
    let sealed = header.write();
    bytes[..HEADER_LEN].copy_from_slice(&sealed);
}

#[test]
fn every_flipped_bit_and_every_cut_is_found() {
    let bytes = encode(&entries(&mut Random(5), 4));
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut broken = bytes.clone();
            broken[place] ^= 1 << bit;
            assert!(Block::read(&broken).is_err(), "byte {place}, bit {bit}");
        }
        assert!(Block::read(&bytes[..place]).is_err(), "cut at {place}");
    }
}

#[test]
fn a_full_block_of_all_kinds_comes_back() {
    let written = entries(&mut Random(9), 65_536);
    let bytes = encode(&written);
    assert_eq!(Block::read(&bytes).unwrap().entries().unwrap(), written);
}

#[test]
fn a_newer_major_version_is_named() {
    let mut bytes = encode(&entries(&mut Random(1), 1));
    bytes[4] = MAJOR + 1;
    let crc = crc32c::crc32c(&bytes[..HEADER_LEN - 4]);
    bytes[HEADER_LEN - 4..HEADER_LEN].copy_from_slice(&crc.to_le_bytes());
    assert_eq!(Block::read(&bytes).err(), Some(BlockError::Newer(MAJOR + 1)));
}

/// A block of one `budget` entry, whose only group is rewritten with one more column.
fn with_extra_column(encoding: u8) -> Vec<u8> {
    let budget = ledger::BudgetSet { budget: name("b"), definition: name(""), actor: name("") };
    let entry = Entry { seq: Seq(1), at: UnixMicros(5), body: EntryBody::Budget(Box::new(budget)) };
    let bytes = encode(&[entry]);
    let mut header = Header::read(&bytes).unwrap();
    let (directory, groups) = bytes[HEADER_LEN..].split_at(header.directory_len as usize);
    // directory: 2 groups; (1, 1 row, length, crc), (5, 1 row, length, crc)
    let mut directory = directory.to_vec();
    let first = usize::from(directory[3]);
    let mut group = groups[first..].to_vec();
    group.extend_from_slice(&[99, encoding, 1, 42]);
    directory[10] += 4;
    directory[11..15].copy_from_slice(&crc32c::crc32c(&group).to_le_bytes());
    header.payload_len += 4;
    header.directory_crc = crc32c::crc32c(&directory);
    let mut out = header.write().to_vec();
    out.extend_from_slice(&directory);
    out.extend_from_slice(&groups[..first]);
    out.extend_from_slice(&group);
    out
}

#[test]
fn an_unknown_column_is_left_out_unless_it_is_critical() {
    let bytes = with_extra_column(1);
    assert_eq!(Block::read(&bytes).unwrap().entries().unwrap().len(), 1);
    let bytes = with_extra_column(1 | 0x80);
    assert_eq!(Block::read(&bytes).unwrap().entries().err(), Some(BlockError::NewerContent));
}
