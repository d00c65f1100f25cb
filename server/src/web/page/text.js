"use strict";

// Text from the network, made fit to be shown: nothing in it can act, hide, or turn others round.

/** Controls, changes of the writing direction, and characters without width. */
const HIDDEN =
	/[\p{Cc}\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
/** An address of the web, without what ends the sentence around it. */
const LINK = String.raw`https?:\/\/[^\s<>"]*[^\s<>".,;:!?\(\)\[\]\{\}'，。；：！？）」』】]`;
/** A letter that would make another word of a name. Chinese and Japanese have no space between words. */
const LETTER = String.raw`[[\p{L}\p{N}_]--[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}]]`;

/** The text with a visible mark in place of each character that could deceive. */
function safe(text) {
	return text.replace(HIDDEN, (character) => {
		const code = character.codePointAt(0);
		if (character === "\t") return "    ";
		if (code < 0x20) return String.fromCodePoint(0x2400 + code);
		return code === 0x7f ? "␡" : `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
	});
}

/** Finds the links in a text, and a name where it stands as a word, in any case. */
function finder(name) {
	if (finder.last !== name) {
		const word = name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
		const names = name && `|(?<name>(?<!${LETTER})${word}(?!${LETTER}))`;
		finder.form = new RegExp(`(?<link>${LINK})${names}`, "giv");
		finder.last = name;
	}
	return finder.form;
}

function mentions(text, name) {
	return [...text.matchAll(finder(name))].some(({ groups }) => groups.name);
}

/** Puts a text into an element: links can be followed, and `name` is marked. */
function putText(element, text, name = "") {
	const shown = safe(text);
	let rest = 0;
	for (const match of shown.matchAll(finder(name))) {
		const [found] = match;
		element.append(shown.slice(rest, match.index), match.groups.link ? linkTo(found) : make("mark", "", found));
		rest = match.index + found.length;
	}
	element.append(shown.slice(rest));
}

function linkTo(address) {
	if (!URL.canParse(address)) return address;
	// Letters of other scripts can look like those of a known address. Here they have their codes.
	const { href } = new URL(address);
	const link = make("a", "", address);
	return Object.assign(link, { href, title: href, target: "_blank", rel: "noopener noreferrer" });
}

function make(tag, className, text = "") {
	const element = document.createElement(tag);
	element.className = className;
	element.textContent = text;
	return element;
}

/** The hue of a name on the circle of colours: always the same. */
function hueOf(name) {
	let hash = 0;
	for (const character of name.toLowerCase()) hash = (hash * 31 + character.codePointAt(0)) % 9973;
	return (hash * 137) % 360;
}
