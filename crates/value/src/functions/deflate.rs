//! gzip as `base64gzip` gives it, byte for byte.
//!
//! Compressed text stands in attributes of existing objects (user data of machines, mostly), so another encoder,
//! however good, would change them. The encoder of the language this one follows is that of Go at its ordinary level:
//! hash chains over four bytes, lazy matching, blocks of 16,384 tokens, codes by the boundary method of Larmore and
//! Hirschberg. What is chosen here in a tie is chosen there as well.

use alloc::vec::Vec;

const WINDOW: usize = 32_768;
const MATCH_MIN: usize = 4;
const MATCH_MAX: usize = 258;
const BLOCK_TOKENS: usize = 1 << 14;
const STORED_BLOCK_MAX: usize = 65_535;
const HASH_BITS: u32 = 17;
/// A match as long as this makes the search for a better one needless, and one as long as the next ends it.
const LAZY: usize = 16;
const NICE: usize = 128;
const CHAIN: usize = 128;
/// A match of the least length is worth it only so near.
const NEAR: usize = 4096;

const END_OF_BLOCK: usize = 256;
const LENGTH_CODES: usize = 257;
const LITERAL_CODES: usize = 286;
const OFFSET_CODES: usize = 30;
/// The order in which lengths of the codes for lengths are written.
const ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// The text in a gzip member without name and time, flushed before its end as Terraform does it.
pub(super) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut out = Bits {
        bytes: alloc::vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff],
        pending: 0,
        count: 0,
    };
    Deflate::new(text).run(&mut out);
    out.stored_header(0, false);
    out.stored_header(0, true);
    let mut bytes = out.bytes;
    bytes.extend_from_slice(&crc32(text).to_le_bytes());
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = sum & 1;
            sum = (sum >> 1) ^ (0xedb8_8320 * carry);
        }
    }
    !sum
}

/// Bits, the lowest first.
struct Bits {
    bytes: Vec<u8>,
    pending: u64,
    count: u32,
}

impl Bits {
    fn write(&mut self, bits: u32, count: u32) {
        self.pending |= u64::from(bits) << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.pending as u8);
            self.pending >>= 8;
            self.count -= 8;
        }
    }

    /// Up to the next whole byte.
    fn align(&mut self) {
        if self.count > 0 {
            self.write(0, 8 - self.count);
        }
    }

    fn code(&mut self, code: Code) {
        self.write(code.bits.into(), code.length.into());
    }

    fn stored_header(&mut self, length: usize, last: bool) {
        self.write(last.into(), 3);
        self.align();
        let length = length as u32 & 0xffff;
        self.write(length, 16);
        self.write(!length & 0xffff, 16);
    }
}

#[derive(Clone, Copy)]
enum Token {
    Literal(u8),
    Match { length: usize, offset: usize },
}

/// Which code stands for a length, how many bits follow it, and what they are counted from.
fn length_code(length: usize) -> (usize, u32, usize) {
    let above = length - 3;
    if length == MATCH_MAX {
        return (28, 0, length);
    }
    if above < 8 {
        return (above, 0, length);
    }
    let extra = above.ilog2() - 2;
    let code = (extra as usize) * 4 + (above >> extra);
    (code, extra, 3 + ((above >> extra) << extra))
}

/// The same for an offset.
fn offset_code(offset: usize) -> (usize, u32, usize) {
    let above = offset - 1;
    if above < 4 {
        return (above, 0, offset);
    }
    let extra = above.ilog2() - 1;
    let code = (extra as usize) * 2 + (above >> extra);
    (code, extra, 1 + ((above >> extra) << extra))
}

/// The search for what was there before.
struct Deflate<'t> {
    text: &'t [u8],
    /// Position of the last place with a hash, one more; zero for none.
    heads: Vec<u32>,
    /// For each place, the one before with the same hash.
    previous: Vec<u32>,
    tokens: Vec<Token>,
    block_start: usize,
    /// Where what is still at hand begins: of two windows, the first is dropped when the second is almost used up.
    base: usize,
}

impl<'t> Deflate<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self {
            text,
            heads: alloc::vec![0; 1 << HASH_BITS],
            previous: alloc::vec![0; text.len()],
            tokens: Vec::with_capacity(BLOCK_TOKENS.min(text.len()) + 1),
            block_start: 0,
            base: 0,
        }
    }

    /// Enters a place under its hash and says which was there before, one more.
    fn insert(&mut self, at: usize) -> u32 {
        let Some([a, b, c, d]) = self.text.get(at..at + MATCH_MIN) else {
            return 0;
        };
        let hash =
            u32::from_be_bytes([*a, *b, *c, *d]).wrapping_mul(0x1e35_a7bd) >> (32 - HASH_BITS);
        let Some(head) = self.heads.get_mut(hash as usize) else {
            return 0;
        };
        let before = core::mem::replace(head, at as u32 + 1);
        if let Some(previous) = self.previous.get_mut(at) {
            *previous = before;
        }
        before
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or_default()
    }

    /// The longest earlier occurrence of what stands at a place, nearest first.
    fn longest(&self, at: usize, head: u32) -> Option<(usize, usize)> {
        let longest = MATCH_MAX.min(self.text.len() - at);
        let nice = NICE.min(longest);
        let least = at.saturating_sub(WINDOW).max(self.base);
        let mut length = MATCH_MIN - 1;
        let mut found = None;
        let mut next = head;
        for _ in 0..CHAIN {
            let Some(place) = next.checked_sub(1).map(|place| place as usize) else {
                break;
            };
            if place < least {
                break;
            }
            if self.byte(at + length) == self.byte(place + length) {
                let ours = self.text.get(at..at + longest).unwrap_or_default();
                let theirs = self.text.get(place..).unwrap_or_default();
                let same = ours.iter().zip(theirs).take_while(|(a, b)| a == b).count();
                if same > length && (same > MATCH_MIN || at - place <= NEAR) {
                    length = same;
                    found = Some((length, at - place));
                    if same >= nice {
                        break;
                    }
                }
            }
            // What lies a whole window back has been overwritten.
            if place + WINDOW == at {
                break;
            }
            next = self.previous.get(place).copied().unwrap_or_default();
        }
        found
    }

    fn run(mut self, out: &mut Bits) {
        let (mut at, mut pending) = (0, false);
        let (mut length, mut offset) = (MATCH_MIN - 1, 0);
        // A match that needs no search keeps what the chain last showed, as there.
        let mut head = 0;
        while at < self.text.len() {
            self.slide(at);
            let lookahead = self.text.len() - at;
            if lookahead >= MATCH_MIN {
                head = self.insert(at);
            }
            let (before, before_offset) = (length, offset);
            (length, offset) = (MATCH_MIN - 1, 0);
            let reachable = head as usize > at.saturating_sub(WINDOW).max(self.base);
            if reachable
                && lookahead > before
                && before < LAZY
                && let Some(found) = self.longest(at, head)
            {
                (length, offset) = found;
            }
            if before >= MATCH_MIN && length <= before {
                self.tokens.push(Token::Match {
                    length: before,
                    offset: before_offset,
                });
                for inside in at + 1..at + before - 1 {
                    self.insert(inside);
                }
                at += before - 1;
                pending = false;
                length = MATCH_MIN - 1;
                self.flush_full(out, at);
            } else {
                if pending {
                    self.tokens.push(Token::Literal(self.byte(at - 1)));
                    self.flush_full(out, at);
                }
                at += 1;
                pending = true;
            }
        }
        if pending {
            self.tokens.push(Token::Literal(self.byte(at - 1)));
        }
        if !self.tokens.is_empty() {
            self.flush(out, at);
        }
    }

    fn slide(&mut self, at: usize) {
        let end = self.base + 2 * WINDOW;
        if end < self.text.len() && at + MATCH_MIN + MATCH_MAX > end {
            self.base += WINDOW;
        }
    }

    fn flush_full(&mut self, out: &mut Bits, at: usize) {
        if self.tokens.len() == BLOCK_TOKENS {
            self.flush(out, at);
        }
    }

    fn flush(&mut self, out: &mut Bits, at: usize) {
        let raw = self.text.get(self.block_start..at).unwrap_or_default();
        // What has left the window of two can no longer be stored as it is.
        let stored = (raw.len() <= STORED_BLOCK_MAX).then_some(raw);
        write_block(out, &self.tokens, stored);
        self.tokens.clear();
        self.block_start = at;
    }
}

/// The code of one symbol.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Code {
    bits: u16,
    length: u8,
}

fn at<T: Copy + Default>(items: &[T], index: usize) -> T {
    items.get(index).copied().unwrap_or_default()
}

fn add(counts: &mut [u32], index: usize) {
    if let Some(count) = counts.get_mut(index) {
        *count += 1;
    }
}

/// Bits that symbols take in all.
fn total_bits(codes: &[Code], counts: &[u32]) -> usize {
    let pairs = codes.iter().zip(counts);
    pairs
        .map(|(code, count)| usize::from(code.length) * *count as usize)
        .sum()
}

/// The codes that need no table.
fn fixed_codes() -> (Vec<Code>, Vec<Code>) {
    let literal = |symbol: u16| {
        let (bits, length) = match symbol {
            0..=143 => (symbol + 48, 8),
            144..=255 => (symbol + 400 - 144, 9),
            256..=279 => (symbol - 256, 7),
            _ => (symbol + 192 - 280, 8),
        };
        reversed(bits, length)
    };
    (
        (0..288).map(literal).collect(),
        (0..30).map(|symbol| reversed(symbol, 5)).collect(),
    )
}

fn reversed(bits: u16, length: u8) -> Code {
    let bits = if length == 0 {
        0
    } else {
        bits.reverse_bits() >> (16 - length)
    };
    Code { bits, length }
}

fn write_block(out: &mut Bits, tokens: &[Token], stored: Option<&[u8]>) {
    let mut literals = [0_u32; LITERAL_CODES];
    let mut offsets = [0_u32; OFFSET_CODES];
    let mut extra_bits = 0;
    for token in tokens {
        match token {
            Token::Literal(byte) => add(&mut literals, usize::from(*byte)),
            Token::Match { length, offset } => {
                let (code, extra, _) = length_code(*length);
                add(&mut literals, LENGTH_CODES + code);
                let (code, more, _) = offset_code(*offset);
                add(&mut offsets, code);
                extra_bits += (extra + more) as usize;
            }
        }
    }
    add(&mut literals, END_OF_BLOCK);
    let used = |counts: &[u32]| {
        counts
            .iter()
            .rposition(|count| *count > 0)
            .map_or(0, |last| last + 1)
    };
    let literal_count = used(&literals);
    // A table of offsets cannot be empty.
    let offset_count = used(&offsets).max(1);
    if used(&offsets) == 0 {
        add(&mut offsets, 0);
    }
    // Extra bits count only where the block could be stored instead: they are the same for both kinds of codes.
    let counted_extra = if stored.is_some() { extra_bits } else { 0 };
    let (literal_codes, offset_codes) = (codes(&literals, 15), codes(&offsets, 15));
    let table = Table::new(
        literal_codes
            .iter()
            .take(literal_count)
            .chain(offset_codes.iter().take(offset_count)),
    );
    let (fixed_literals, fixed_offsets) = fixed_codes();
    let fixed_size = 3
        + total_bits(&fixed_literals, &literals)
        + total_bits(&fixed_offsets, &offsets)
        + counted_extra;
    let dynamic_size = table.bits()
        + total_bits(&literal_codes, &literals)
        + total_bits(&offset_codes, &offsets)
        + counted_extra;
    let size = fixed_size.min(dynamic_size);
    if let Some(raw) = stored.filter(|raw| (raw.len() + 5) * 8 < size) {
        out.stored_header(raw.len(), false);
        out.bytes.extend_from_slice(raw);
        return;
    }
    if dynamic_size < fixed_size {
        out.write(4, 3);
        out.write((literal_count - LENGTH_CODES) as u32, 5);
        out.write((offset_count - 1) as u32, 5);
        table.write(out);
        write_tokens(out, tokens, &literal_codes, &offset_codes);
    } else {
        out.write(2, 3);
        write_tokens(out, tokens, &fixed_literals, &fixed_offsets);
    }
}

fn write_tokens(out: &mut Bits, tokens: &[Token], literals: &[Code], offsets: &[Code]) {
    for token in tokens {
        match token {
            Token::Literal(byte) => out.code(at(literals, usize::from(*byte))),
            Token::Match { length, offset } => {
                let (code, extra, base) = length_code(*length);
                out.code(at(literals, LENGTH_CODES + code));
                out.write((length - base) as u32, extra);
                let (code, extra, base) = offset_code(*offset);
                out.code(at(offsets, code));
                out.write((offset - base) as u32, extra);
            }
        }
    }
    out.code(at(literals, END_OF_BLOCK));
}

/// Lengths of codes, themselves run-length encoded.
struct Table {
    /// Symbol, and what follows it in how many bits.
    symbols: Vec<(usize, u32, u32)>,
    codes: Vec<Code>,
    counts: [u32; 19],
    /// How many lengths of the codes for lengths are written.
    written: usize,
}

impl Table {
    fn new<'c>(codes_written: impl Iterator<Item = &'c Code>) -> Self {
        let lengths: Vec<u8> = codes_written.map(|code| code.length).collect();
        let mut symbols = Vec::new();
        for run in lengths.chunk_by(|left, right| left == right) {
            let length = usize::from(at(run, 0));
            let mut count = run.len() as u32;
            if length != 0 {
                symbols.push((length, 0, 0));
                count -= 1;
                while count >= 3 {
                    let part = count.min(6);
                    symbols.push((16, part - 3, 2));
                    count -= part;
                }
            } else {
                while count >= 11 {
                    let part = count.min(138);
                    symbols.push((18, part - 11, 7));
                    count -= part;
                }
                if count >= 3 {
                    symbols.push((17, count - 3, 3));
                    count = 0;
                }
            }
            symbols.extend((0..count).map(|_| (length, 0, 0)));
        }
        let mut counts = [0; 19];
        for (symbol, ..) in &symbols {
            add(&mut counts, *symbol);
        }
        let unused = ORDER
            .iter()
            .rev()
            .take_while(|symbol| at(&counts, **symbol) == 0)
            .count();
        Self {
            codes: codes(&counts, 7),
            written: (ORDER.len() - unused).max(4),
            symbols,
            counts,
        }
    }

    fn bits(&self) -> usize {
        let following: u32 = self.symbols.iter().map(|(_, _, bits)| bits).sum();
        3 + 5
            + 5
            + 4
            + 3 * self.written
            + total_bits(&self.codes, &self.counts)
            + following as usize
    }

    fn write(&self, out: &mut Bits) {
        out.write((self.written - 4) as u32, 4);
        for symbol in ORDER.iter().take(self.written) {
            out.write(at(&self.codes, *symbol).length.into(), 3);
        }
        for (symbol, following, bits) in &self.symbols {
            out.code(at(&self.codes, *symbol));
            out.write(*following, *bits);
        }
    }
}

/// Codes for symbols by how often each is used, none longer than `bits_max`.
fn codes(counts: &[u32], bits_max: usize) -> Vec<Code> {
    let mut codes = alloc::vec![Code::default(); counts.len()];
    let mut set = |symbol: usize, code: Code| {
        if let Some(slot) = codes.get_mut(symbol) {
            *slot = code;
        }
    };
    let used = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let mut used: Vec<(u32, usize)> = used.map(|(symbol, count)| (*count, symbol)).collect();
    if used.len() <= 2 {
        for (index, (_, symbol)) in used.iter().enumerate() {
            set(
                *symbol,
                Code {
                    bits: index as u16,
                    length: 1,
                },
            );
        }
        return codes;
    }
    used.sort_unstable();
    let mut rest = used.as_slice();
    let mut next = 0_u16;
    for (length, count) in lengths(&used, bits_max).into_iter().enumerate().skip(1) {
        next <<= 1;
        let (others, chunk) = rest.split_at(rest.len() - count.min(rest.len()));
        let mut symbols: Vec<usize> = chunk.iter().map(|(_, symbol)| *symbol).collect();
        symbols.sort_unstable();
        for symbol in symbols {
            set(symbol, reversed(next, length as u8));
            next += 1;
        }
        rest = others;
    }
    codes
}

/// One level of the tree while it is found how many symbols each length of code gets.
#[derive(Clone, Copy)]
struct Level {
    /// Of the last item taken.
    last: u64,
    /// Of the next symbol, and of the next pair from the level below; too large when there is none.
    next_symbol: u64,
    next_pair: u64,
    /// Items still to be taken.
    needed: usize,
}

/// More than any sum of counts.
const NONE: u64 = u64::MAX / 4;

/// How many symbols get a code of each length, shortest first: the method of boundaries, which keeps of each level only
/// how many symbols lie left of it.
#[expect(
    clippy::indexing_slicing,
    reason = "levels go from 1 to bits_max, and both tables have bits_max + 2 rows"
)]
fn lengths(sorted: &[(u32, usize)], bits_max: usize) -> Vec<usize> {
    let weight = |index: usize| {
        sorted
            .get(index)
            .map_or(NONE, |(count, _)| u64::from(*count))
    };
    let top = bits_max.min(sorted.len() - 1);
    let first = Level {
        last: weight(1),
        next_symbol: weight(2),
        next_pair: weight(0) + weight(1),
        needed: 0,
    };
    let mut levels = alloc::vec![first; top + 2];
    let mut symbols_left = alloc::vec![alloc::vec![0_usize; top + 2]; top + 2];
    for (level, row) in symbols_left.iter_mut().enumerate().skip(1).take(top) {
        row[level] = 2;
    }
    levels[0].needed = 0;
    levels[1].next_pair = NONE;
    levels[top].needed = 2 * sorted.len() - 4;
    let mut level = top;
    loop {
        let current = levels[level];
        if current.next_pair >= NONE && current.next_symbol >= NONE {
            levels[level].needed = 0;
            levels[level + 1].next_pair = NONE;
            level += 1;
            if level > top {
                break;
            }
            continue;
        }
        if current.next_symbol < current.next_pair {
            let taken = symbols_left[level][level] + 1;
            symbols_left[level][level] = taken;
            levels[level].last = current.next_symbol;
            levels[level].next_symbol = weight(taken);
        } else {
            levels[level].last = current.next_pair;
            let (below, above) = symbols_left.split_at_mut(level);
            above[0][..level].copy_from_slice(&below[level - 1][..level]);
            levels[level - 1].needed = 2;
        }
        levels[level].needed -= 1;
        if levels[level].needed == 0 {
            if level == top {
                break;
            }
            levels[level + 1].next_pair = current.last + levels[level].last;
            level += 1;
        } else {
            while levels[level - 1].needed > 0 {
                level -= 1;
            }
        }
    }
    let row = &symbols_left[top];
    let mut counts = alloc::vec![0; top + 1];
    for (length, count) in counts.iter_mut().enumerate().skip(1) {
        let level = top + 1 - length;
        *count = row[level] - row[level - 1];
    }
    counts
}
