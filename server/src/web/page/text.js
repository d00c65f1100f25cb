"use strict";

// Text from the network, made fit to be shown: nothing in it can act, hide or turn its neighbours round.

/** Controls, changes of the writing direction, and characters without width. */
const HIDDEN =
  /[\p{Cc}\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

const LINK = /https?:\/\/[^\s<>"\u2400-\u2421]+/gu;

/** The text with a visible mark in place of each character that could deceive. */
function safe(text) {
  return text.replace(HIDDEN, (character) => {
    const code = character.codePointAt(0);
    if (character === "\t") return "    ";
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    if (code === 0x7f) return "\u2421";
    return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
  });
}

/** Whether a safe text has the name as a word. Case does not matter. */
function mentions(text, name) {
  return name !== "" && wordForm(name).test(text);
}

/** The form of a name that stands as a word. The last one is kept: it is asked for again and again. */
function wordForm(name) {
  if (wordForm.of !== name) {
    const escaped = name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
    // Chinese and Japanese have no space between words.
    const part = "[[\\p{L}\\p{N}_]--[\\p{sc=Han}\\p{sc=Hira}\\p{sc=Kana}]]";
    wordForm.form = new RegExp(`(?<!${part})${escaped}(?!${part})`, "giv");
    wordForm.of = name;
  }
  wordForm.form.lastIndex = 0;
  return wordForm.form;
}

/** Puts a text into an element: links can be followed, and `name` is marked where it stands. */
function putText(element, text, name = "") {
  let rest = 0;
  const shown = safe(text);
  for (const match of shown.matchAll(LINK)) {
    // What ends a sentence does not belong to the address in it.
    const address = match[0].replace(/[.,;:!?)\]}'，。；：！？）」』】]+$/u, "");
    if (!URL.canParse(address)) continue;
    const { href } = new URL(address);
    putWords(element, shown.slice(rest, match.index), name);
    const link = document.createElement("a");
    // Letters of other scripts can look like those of a known address. Here they have their codes.
    Object.assign(link, { href, title: href, textContent: address });
    Object.assign(link, { target: "_blank", rel: "noopener noreferrer" });
    element.append(link);
    rest = match.index + address.length;
  }
  putWords(element, shown.slice(rest), name);
}

function putWords(element, text, name) {
  let rest = 0;
  if (name && text) {
    for (const match of text.matchAll(wordForm(name))) {
      const mark = document.createElement("mark");
      mark.textContent = match[0];
      element.append(text.slice(rest, match.index), mark);
      rest = match.index + match[0].length;
    }
  }
  if (rest < text.length) element.append(text.slice(rest));
}

/** A number that is always the same for a name: its hue, on the circle of colours. */
function hueOf(name) {
  let hash = 0;
  for (const character of name.toLowerCase()) hash = (hash * 31 + character.codePointAt(0)) % 9973;
  return (hash * 137) % 360;
}
