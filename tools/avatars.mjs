// Draw the pictures of the data set `avatars`: faces of known hair, eyes, mouth and skin.
//
//     npm install @dicebear/core@9 @dicebear/personas@9 @resvg/resvg-js@2
//     node tools/avatars.mjs FOLDER
//     python tools/embedded_data.py avatars FOLDER
//
// The parts are "Personas by Draftbit" (CC BY 4.0). No two pictures have equal parts and
// colours; each is turned, moved and enlarged a little. FOLDER gets the pixels
// (pictures.rgb, 64 x 64 RGB in uint8, hair after hair) and attributes.csv.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const from = createRequire(path.join(process.cwd(), "here.js")); // its node_modules
const load = (name) => import(pathToFileURL(from.resolve(name)));
const { createAvatar } = await load("@dicebear/core");
const personas = await load("@dicebear/personas");
const { Resvg } = await load("@resvg/resvg-js");

const SIZE = 64, EACH = 700;
const HAIR = ["long", "shortCombover", "curlyHighTop", "bobCut", "pigtails", "curlyBun",
  "bald", "cap", "beanie", "mohawk"];
const PARTS = {
  eyes: ["open", "happy", "wink", "sleep", "glasses", "sunglasses"],
  mouth: ["smile", "bigSmile", "smirk", "frown", "surprise", "lips"],
  nose: ["mediumRound", "smallRound", "wrinkles"],
  body: ["squared", "rounded", "small", "checkered"],
  facialHair: ["", "", "", "", "", "beardMustache", "walrus", "goatee"],
  skinColor: ["eeb4a4", "e7a391", "e5a07e", "d78774", "b16a5b", "92594b", "623d36"],
  hairColor: ["362c47", "6c4545", "e15c66", "f29c65", "dee1f5", "f3d16a"],
  clothingColor: ["456dff", "54d7c7", "7555ca", "6dbb58", "e24553", "f3b63a", "f55d81"],
  backgroundColor: ["b6e3f4", "c0aede", "d1d4f9", "ffd5dc", "ffdfbf", "d5f0c9"],
};

let state = 2017; // mulberry32
function uniform() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const one = (list) => list[Math.floor(uniform() * list.length)];
const whole = (low, high) => low + Math.floor(uniform() * (high - low + 1));

const folder = process.argv[2];
fs.mkdirSync(folder, { recursive: true });
const pixels = fs.openSync(path.join(folder, "pictures.rgb"), "w");
const lines = ["hair,eyes,mouth,skin"];
const seen = new Set();
for (const hair of HAIR) {
  for (let count = 0; count < EACH; ) {
    const parts = Object.fromEntries(Object.entries(PARTS).map(([k, v]) => [k, one(v)]));
    const key = [hair, ...Object.values(parts)].join();
    if (seen.has(key)) continue;
    seen.add(key);
    const { facialHair, ...rest } = parts;
    const options = Object.fromEntries(Object.entries(rest).map(([k, v]) => [k, [v]]));
    const moved = { rotate: whole(-6, 6), scale: whole(112, 132) };
    const drawn = createAvatar(personas, {
      ...options, ...moved, hair: [hair], translateX: whole(-4, 4),
      translateY: whole(2, 8), facialHair: facialHair ? [facialHair] : [],
      facialHairProbability: facialHair ? 100 : 0,
    });
    const made = new Resvg(drawn.toString(), { fitTo: { mode: "width", value: SIZE } });
    const rgba = made.render().pixels;
    const rgb = Buffer.alloc(SIZE * SIZE * 3);
    for (let i = 0; i < SIZE * SIZE; i++) rgba.copy(rgb, 3 * i, 4 * i, 4 * i + 3);
    fs.writeSync(pixels, rgb);
    const skin = PARTS.skinColor.indexOf(parts.skinColor) < 4 ? "light" : "dark";
    lines.push([hair, parts.eyes, parts.mouth, skin].join());
    count++;
  }
}
fs.closeSync(pixels);
fs.writeFileSync(path.join(folder, "attributes.csv"), lines.join("\n") + "\n");
