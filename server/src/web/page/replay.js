"use strict";

// Which rows of a room's history are new to the user.

/** Lines of the room that are remembered, to find in its history where a connection was lost. */
const REMEMBERED = 50;
/** Lines of the history that one who enters asks for, and one who comes back. */
const LATEST = 20;
const MISSED = 2_000;
/** Lines that are held back at most while an answer is on its way. */
const HELD = 10_000;

class Replay {
	/** The rows of the answer. */
	rows = [];

	/** Texts of lines that were seen, the newest last. */
	#recent = [];
	/** The ping that ends the answer. `null` while nothing was asked for. */
	#fence = null;
	#hasBegun = false;
	/** Lines that came meanwhile; they are shown after the history. */
	#live = [];
	/** How many of those came before the answer, so that they stand in it as well. */
	#liveInRows = 0;

	get isOpen() {
		return this.#fence !== null;
	}

	/** The history is being asked for, up to a fence. Gives how many lines to ask for. */
	ask(fence) {
		this.#fence = fence;
		this.#hasBegun = false;
		this.#liveInRows = 0;
		this.rows = [];
		return this.#recent.length ? MISSED : LATEST;
	}

	begin() {
		this.#hasBegun = true;
	}

	/** A line of the room came. Gives the lines to show now. */
	saw(entry) {
		this.#live.push(entry);
		if (!this.#hasBegun) this.#liveInRows += 1;
		return this.isOpen && this.#live.length < HELD ? [] : this.lost();
	}

	/** No answer is awaited any more. Gives the lines that were held back for it. */
	lost() {
		this.#fence = null;
		const live = this.#live.splice(0);
		this.#remember(live.map((entry) => entry.line));
		return live;
	}

	/** A ping is answered. If it was the fence, this gives the new `rows` and the `live` lines behind. */
	end(fence, name) {
		if (fence !== this.#fence) return null;
		// Live, one does not see oneself come and go.
		const own = [`${name} has entered the room.`, `${name} has left the room.`];
		const rows = this.rows.filter((row) => !own.includes(row.text));
		// What came before the answer stands at its end, but for what only this user was told.
		let told = this.#liveInRows;
		while (told > 0 && rows.at(-1)?.text === this.#live[told - 1].line) {
			rows.pop();
			told -= 1;
		}
		const first = this.#firstMissed(rows);
		const hasGap = first === null && this.#recent.length > 0 && rows.length > 0;
		rows.splice(0, first ?? 0);
		this.#remember(rows.map((row) => row.text));
		const live = this.#live.splice(0, told);
		return { rows, hasGap, live: [...live, ...this.lost()] };
	}

	#remember(lines) {
		// Comings and goings repeat themselves too often to tell one place in a history by.
		this.#recent = [...this.#recent, ...lines.filter(isTold)].slice(-REMEMBERED);
	}

	/** Where begin the rows that came after what was seen. `null` when nothing of it is in them. */
	#firstMissed(rows) {
		const told = rows.map(({ text }, at) => ({ text, at })).filter(({ text }) => isTold(text));
		const seen = this.#recent.toReversed();
		for (let end = told.length; seen.length && end > 0; end--) {
			const before = told.slice(Math.max(0, end - seen.length), end).reverse();
			if (before.every(({ text }, at) => text === seen[at])) return told[end - 1].at + 1;
		}
		return null;
	}
}

function isTold(line) {
	return ["said", "did"].includes(parse(line).kind);
}
