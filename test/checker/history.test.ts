import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newContent, type Content } from './body.ts';
import { KeyHistory, type DataWrite, type Ending, type MetaWrite, type Seen } from './history.ts';

/** A history told in a test's words: contents are named by letters. */
class Story {
  readonly history = new KeyHistory();
  readonly #contents = new Map<string, Content>();
  #now = 0;

  content(id: string): Content {
    let content = this.#contents.get(id);
    if (content === undefined) this.#contents.set(id, (content = newContent(id, 10).content));
    return content;
  }

  begin(id: string, kind: 'put' | 'delete' | 'post' = 'put'): DataWrite | MetaWrite {
    if (kind === 'post') return this.history.beginMeta(id, ++this.#now);
    return this.history.beginData(id, kind === 'put' ? [this.content(id)] : undefined, ++this.#now);
  }

  end(write: DataWrite | MetaWrite, ending: Ending = 'done'): void {
    this.history.end(write, ending, ++this.#now);
  }

  write(id: string, kind: 'put' | 'delete' | 'post' = 'put', ending: Ending = 'done'): DataWrite | MetaWrite {
    const write = this.begin(id, kind);
    this.end(write, ending);
    return write;
  }

  bury(write: DataWrite | MetaWrite): void {
    this.history.bury(write, ++this.#now);
  }

  moment(): number {
    return ++this.#now;
  }

  /** Reads now; the complaint, if any. */
  see(id: string | undefined, writtenBy = id): string | undefined {
    const seen: Seen | undefined = id === undefined ? undefined : { md5: this.content(id).md5, writtenBy: writtenBy! };
    return this.history.observe(seen, ++this.#now, ++this.#now);
  }
}

test('an acknowledged write is there until a later one, and nothing else is', () => {
  const story = new Story();
  assert.equal(story.see(undefined), undefined);
  story.write('a');
  assert.match(story.see(undefined)!, /is gone, though a was acknowledged/);
  assert.equal(story.see('a'), undefined);
  story.write('b');
  assert.match(story.see('a')!, /though b was acknowledged/);
  assert.match(story.see('never sent')!, /nobody wrote/);
});

test('an acknowledged delete stays', () => {
  const story = new Story();
  story.write('a');
  story.write('d', 'delete');
  assert.match(story.see('a')!, /though d was acknowledged/);
  assert.equal(story.see(undefined), undefined);
});

test('of writes that overlap any may be the last, but what a read saw replaced stays so', () => {
  for (const [first, second] of [['a', 'b'], ['b', 'a']] as const) {
    const story = new Story();
    const [a, b] = [story.begin('a'), story.begin('b')];
    story.end(a);
    story.end(b);
    assert.equal(story.see(first), undefined);
    assert.match(story.see(second)!, new RegExp(`though ${first} was acknowledged`));
  }
});

test('a read that began before another saw a change may still have found what was there before it', () => {
  const story = new Story();
  story.write('a');
  const from = story.moment();
  story.write('d', 'delete');
  story.write('b');
  assert.equal(story.see('b'), undefined);
  for (const seen of ['a', undefined, 'b']) {
    assert.equal(story.history.observe(seen === undefined ? undefined : { md5: story.content(seen).md5, writtenBy: seen }, from, story.moment()), undefined);
  }
  assert.notEqual(story.see('a'), undefined);
});

test('a write that was cut may have happened or not, and once seen it stays', () => {
  const story = new Story();
  story.write('a');
  story.write('b', 'put', 'cut');
  assert.equal(story.see('a'), undefined);
  assert.equal(story.see('b'), undefined, 'late, and for the first time');
  assert.notEqual(story.see('a'), undefined);
});

test('a write whose server died has no effect after what came later', () => {
  const story = new Story();
  const cut = story.write('a', 'put', 'cut');
  story.bury(cut);
  story.write('b');
  assert.notEqual(story.see('a'), undefined);
  assert.equal(story.see('b'), undefined);
});

test('a write that a reader saw before it was acknowledged does not come back after a later one', () => {
  const story = new Story();
  const a = story.begin('a');
  assert.equal(story.see('a'), undefined);
  story.write('b');
  assert.equal(story.see('b'), undefined);
  assert.notEqual(story.see('a'), undefined);
  story.end(a);
});

test('metadata is that of the data, or of a post that came after it', () => {
  const story = new Story();
  story.write('a');
  story.write('p', 'post');
  assert.match(story.see('a')!, /though p was acknowledged/);
  assert.equal(story.see('a', 'p'), undefined);
  story.write('b');
  assert.notEqual(story.see('b', 'p'), undefined, 'an older post says nothing of newer data');
  assert.equal(story.see('b'), undefined);
});

test('of posts that overlap a put, each order is allowed', () => {
  const story = new Story();
  story.write('a');
  const [b, p] = [story.begin('b'), story.begin('p', 'post')];
  story.end(b);
  story.end(p);
  assert.equal(story.see('b', 'p'), undefined);
  assert.notEqual(story.see('b'), undefined, 'what was seen with the metadata keeps it');
});

test('a delete that answers that there was nothing does not explain itself', () => {
  const story = new Story();
  story.write('a');
  const from = story.moment();
  const d = story.begin('d', 'delete') as DataWrite;
  assert.match(story.history.observe(undefined, from, story.moment(), d)!, /is gone/);
});

test('a listing may be behind only after a write whose end nobody saw', () => {
  const story = new Story();
  const seen = (id: string): Seen => ({ md5: story.content(id).md5, writtenBy: id });
  story.write('a');
  story.see('a');
  assert.equal(story.history.mayLag(seen('a')), false);
  story.write('b', 'put', 'failed');
  assert.equal(story.history.mayLag(seen('a')), true);
  assert.equal(story.see('b'), undefined);
  assert.equal(story.history.mayLag(seen('b')), true);
  story.write('c');
  story.see('c');
  assert.equal(story.history.mayLag(seen('c')), false);
});

test('what is pruned is never needed again', () => {
  const story = new Story();
  for (let i = 0; i < 100; i++) {
    story.write(`put ${i}`);
    story.write(`post ${i}`, 'post');
    assert.equal(story.see(`put ${i}`, `post ${i}`), undefined);
    story.history.prune();
    assert.equal(story.history.contents().length, 1);
  }
  assert.notEqual(story.see('put 98', 'post 98'), undefined);
  assert.equal(story.see('put 99', 'post 99'), undefined);
});
