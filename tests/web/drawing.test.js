// Where mouths go and which are chosen is what Python says; packs and damaged files.
import assert from "node:assert/strict";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { load, readAvatar, worst } from "./exported.js";

const { AvatarData, readFiles, readIndex, readReference } = await load("data.js");
const { Fraction } = await load("fraction.js");
const { IdleLoop } = await load("rendering/loop.js");
const { MouthChoice } = await load("rendering/choice.js");
const { PathSearch } = await load("rendering/path.js");
const { readPack } = await load("packs.js");
const { melPosition, pictureTime } = await load("timing.js");

const data = new AvatarData(await readFiles(readAvatar));
const reference = await readReference(readAvatar);
const [nPictures, nComponents] = reference.coefficients.shape;
const mouth = (index) => data.shapeOf(reference.coefficients.data.subarray(nComponents * index, nComponents * (index + 1)));
globalThis.VideoDecoder = class {}; // of the loop only the clock is asked
const loop = data.openLoop();

test("mouths go where Python puts them", () => {
  const found = Array.from({ length: nPictures }, (_, index) => data.shape.place(mouth(index), loop.face(index)));
  assert.ok(worst(found, reference.targets.data) < 1e-3);
});

test("the same mouths are chosen", () => {
  const choice = new MouthChoice(data.shape, data.atlas, data.look, data.atlas.scales, 0);
  const found = Array.from({ length: nPictures }, (_, index) => choice.push(mouth(index), loop.face(index).turn).decided[0]);
  const nSame = found.filter((picture, index) => picture === reference.chosen.data[index]).length;
  // two pictures that are equally good may change places where sums are rounded otherwise
  assert.ok(nSame >= 0.95 * nPictures, `${nSame} of ${nPictures}`);
});

test("a path is the cheapest one, by trying all", () => {
  const numbers = [0, 1, 10, 11, 20];
  let seed = 1;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let round = 0; round < 30; round++) {
    const costs = Array.from({ length: 5 }, () => numbers.map(() => 0.01 * random())), all = [...numbers.keys()];
    const path = new PathSearch(numbers, 5), found = costs.flatMap((row) => path.push(all, row)).concat(path.flush());
    const costOf = (chosen) => chosen.reduce((sum, picture, index) => {
      const isJump = index && Math.abs(numbers[picture] - numbers[chosen[index - 1]]) > 2;
      return sum + costs[index][picture] + (isJump ? 0.006 : 0);
    }, 0);
    let least = Infinity;
    for (let code = 0; code < 5 ** 5; code++) least = Math.min(least, costOf(costs.map((_, index) => Math.floor(code / 5 ** index) % 5)));
    assert.equal(found.length, 5);
    assert.ok(costOf(found) < least + 1e-12);
  }
});

test("without a lag each picture is decided at once, with one no later than it", () => {
  for (const lag of [0, 3]) {
    const path = new PathSearch([0, 1, 2, 3, 4, 5, 6, 7], lag);
    let nOpen = 0;
    for (let frame = 0; frame < 40; frame++) {
      const candidates = [frame % 8, (frame * 5) % 8].filter((one, index, all) => all.indexOf(one) === index);
      nOpen += 1 - path.push(candidates, candidates.map((one) => 0.002 * one)).length;
      assert.ok(nOpen <= lag);
      assert.ok(path.likelyFollowers().every((index) => index >= 0 && index < 8));
    }
    assert.equal(path.flush().length, nOpen);
  }
});

test("the idle loop shows the frame that is nearest, without end", () => {
  const { nFrames, length, times } = loop;
  for (let number = 0; number < 3 * nFrames; number++) {
    const time = Math.floor(number / nFrames) * length + times[number % nFrames];
    assert.equal(loop.numberAt(time), number);
    assert.equal(loop.numberAt(time + 0.3 * (length / nFrames)), number);
  }
  assert.equal(loop.face(nFrames + 1).strength, loop.face(1).strength);
  delete globalThis.VideoDecoder;
  assert.throws(() => new IdleLoop(data.packets, data.index.loop, data.places), /VideoDecoder/);
});

test("times are exact", () => {
  const fps = Fraction.parse("30000/1001");
  assert.equal(Number(pictureTime(30000, fps)), 1001);
  assert.deepEqual(melPosition(new Fraction(1, 10), 8), new Fraction(31, 2));
  assert.throws(() => Fraction.parse("29.97"), RangeError);
});

test("a pack is read as it was written", async () => {
  const bytes = Buffer.alloc(24);
  [0x3c00, 0xc000, 0x0001, 0x7c00].forEach((half, index) => bytes.writeUInt16LE(half, 2 * index)); // 1, -2, 2 ** -24, infinity
  // rows (100, -1), (40000 - 65536, 2) as differences: low bytes, then high ones
  [[100, 0], [0xff, 0xff], [(40000 - 100) & 0xff, (40000 - 100) >> 8], [3, 0]].forEach(([low, high], index) => { bytes[8 + index] = low; bytes[12 + index] = high; });
  bytes.writeInt32LE(-7, 16);
  const described = {
    half: { dtype: "float16", shape: [4], offset: 0 },
    steps: { dtype: "int16", shape: [2, 2], offset: 8, by_difference: true },
    whole: { dtype: "int32", shape: [1], offset: 16 },
  };
  for (const content of [gzipSync(bytes), bytes]) { // a server may have opened it on the way
    const read = await readPack(new Uint8Array(content), described);
    assert.deepEqual([...read.half.data], [1, -2, 2 ** -24, Infinity]);
    assert.deepEqual([...read.steps.data], [100, -1, 40000 - 65536, 2]);
    assert.deepEqual([...read.whole.data], [-7]);
  }
});

test("a changed or shortened file is refused by name", async () => {
  for (const spoil of [(content) => { content[content.length >> 1] ^= 1; return content; }, (content) => content.subarray(1)]) {
    const read = async (name) => (name === "look.pack" ? spoil(await readAvatar(name)) : readAvatar(name));
    await assert.rejects(readFiles(read), /look\.pack: is not the file that was exported/);
  }
});

test("what is no avatar, or one for a newer runtime, is refused", async () => {
  const index = JSON.parse(new TextDecoder().decode(await readAvatar("avatar.json")));
  const written = (changed) => new TextEncoder().encode(JSON.stringify({ ...index, ...changed }));
  assert.equal(readIndex(written({})).name, index.name);
  assert.throws(() => readIndex(written({ format: "another" })), /export --web/);
  assert.throws(() => readIndex(written({ schema_version: 99 })), /schema version 99/);
});
