"use strict";

// Text from the network, made fit to be shown: nothing in it can act, hide, or turn others round.

/** Joiners and choices of looks behind what they act on: emoji, and letters that may need them. */
const STANDING = String.raw`(?<=[[\p{L}\p{M}\p{Emoji}]--[\p{ASCII}\p{sc=Latn}\p{scx=Zinh}]]\ufe0f?)[\u200c\u200d\ufe0e\ufe0f]|\ufe0f(?=\u20e3)`;
/** Controls, changes of the writing direction, others without width, and no-break spaces. */
const HIDDEN = new RegExp(String.raw`(?!${STANDING})[\p{Cc}\p{DI}\u2028\u2029\ufff9-\ufffb\xa0]`, "gv");
/** An address of the web, without what ends the sentence around it. */
const LINK = String.raw`https?:\/\/[^\s<>"]*[^\s<>".,;:!?\(\)\[\]\{\}'，。；：！？）」』】]`;
/** A letter that would make another word of a name. Chinese and Japanese have no space between words. */
const LETTER = String.raw`[[\p{L}\p{N}_]--[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}]]`;

/** The text with a visible mark in place of each character that could deceive. */
function safe(text) {
	return text.replace(HIDDEN, (character) => {
		const code = character.codePointAt(0);
		if (character === "\t") return "    ";
		// Somebody's indentation.
		if (code === 0xa0) return " ";
		if (code < 0x20) return String.fromCodePoint(0x2400 + code);
		return code === 0x7f ? "␡" : `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
	});
}

/** Finds the links in a text, and a name where it stands as a word, in any case. */
function finder(name) {
	const word = name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
	const names = name && `|(?<name>(?<!${LETTER})${word}(?!${LETTER}))`;
	return new RegExp(`(?<link>${LINK})${names}`, "giv");
}

function mentions(text, name) {
	return [...text.matchAll(finder(name))].some(({ groups }) => groups.name);
}

/** Puts a text into an element: links can be followed, and `name` is marked. */
function putText(row, text, name = "") {
	const shown = safe(text);
	let rest = 0;
	for (const match of shown.matchAll(finder(name))) {
		const [found] = match;
		row.append(shown.slice(rest, match.index), match.groups.link ? linkTo(found) : make("mark", found));
		rest = match.index + found.length;
	}
	row.append(shown.slice(rest));
}

function linkTo(address) {
	if (!URL.canParse(address)) return address;
	// Letters of other scripts can look like those of a known address. Here they have their codes.
	const { href } = new URL(address);
	return Object.assign(make("a", address), { href, title: href, target: "_blank", rel: "noopener noreferrer" });
}

function make(tag, textContent = "", className = "") {
	return Object.assign(document.createElement(tag), { textContent, className });
}

/** The hue of a name on the circle of colours: always the same. */
function hueOf(name) {
	let hash = 0;
	for (const character of name.toLowerCase()) hash = (hash * 31 + character.codePointAt(0)) % 9973;
	return (hash * 137) % 360;
}
