// nbdkit-zram: a node process whose memory becomes part of a corpus.
// SPDX-License-Identifier: BSD-3-Clause
//
// Usage: node.js LIST FIRST MIB
// Keeps files in LIST, from number FIRST on, as maps of words, objects a
// line and parsed JSON, until it is MIB big.  Then says "ready" and waits
// to be ended.

'use strict';

const fs = require('fs');
const [list, first, mib] = process.argv.slice(2);
const names = fs.readFileSync(list, 'utf8').split('\n');
const wanted = mib * 1024 * 1024;
const words = new Map();
const kept = [];

for (let i = 0; i < names.length; i++) {
  if (process.memoryUsage.rss() >= wanted)
    break;
  const path = names[(i + Number(first)) % names.length];
  let text;
  try {
    text = fs.readFileSync(path, 'utf8');
    if (path.endsWith('.json'))
      kept.push({path, tree: JSON.parse(text)});
  } catch (e) {
    continue;
  }
  text.split('\n').forEach((line, number) => {
    kept.push({path, number, length: line.length, line: line.trim()});
    for (const word of line.split(/\W+/))
      words.set(word, (words.get(word) || 0) + 1);
  });
}
console.log('ready');
process.stdin.resume();
