"use strict";

// Every word of the page, in each language. `{0}` and `{1}` stand for what a sentence is about.

const WORDS = {
  en: {
    title: "Chat",
    intro: "Choose a name, and you are in the room with everybody else.",
    name: "Your name",
    room: "Room",
    password: "Password",
    enter: "Enter",
    rooms: "Rooms",
    people: "People here",
    places: "Rooms and people",
    otherRoom: "Another room",
    go: "Go",
    leave: "Leave",
    log: "What is said",
    sayAs: "Say something as {0}",
    send: "Send",
    cancel: "Cancel",
    newLines: "New lines below",
    more: "and {0} more",
    you: "you",
    writeTo: "Write to {0} alone",
    answer: "Answer",
    pasteTitle: "Send {0} lines, one after the other?",
    // Why one cannot come in. These have the server's words as their names.
    Empty: "Please give a name.",
    Exist: "Somebody has this name, or one that looks the same.",
    nameRefused: "This cannot be a name: {0}.",
    Required: "This name needs a password here.",
    Wrong: "The password is wrong.",
    banned: "You are kept out for {0} minutes.",
    kicked: "An operator put you out: {0}",
    unreachable: "The server cannot be reached. It may be full, or not running.",
    other: "The server says: {0}",
    // The connection.
    connecting: "Connecting …",
    lost: "The connection is lost. Trying again in {0} s.",
    stillTaken: "The name {0} is still taken, perhaps by your lost connection.",
    gap: "Before this there may be more that you missed.",
    missed: "{0} lines came too fast for you and are not shown.",
    kept: "Not connected; kept for later: {0}",
    notSent: "Not connected; not sent: {0}",
    unsent: "Perhaps nobody has seen:",
    resend: "Send again",
    discard: "Throw away",
    // The room.
    moved: "You are in {0} now.",
    entered: "{0} has entered the room.",
    left: "{0} has left the room.",
    renamed: "{0} is now known as {1}.",
    topicSet: "{0} set the topic: ",
    privateFrom: "{0} to you alone: ",
    privateTo: "You to {0} alone: ",
    earlier: "said earlier",
  },
  zh: {
    title: "聊天室",
    intro: "取一个名字，就能和大家一起聊天。",
    name: "你的名字",
    room: "房间",
    password: "密码",
    enter: "进入",
    rooms: "房间",
    people: "在场的人",
    places: "房间和人",
    otherRoom: "其他房间",
    go: "前往",
    leave: "离开",
    log: "聊天记录",
    sayAs: "以 {0} 的身份说点什么",
    send: "发送",
    cancel: "取消",
    newLines: "下面有新消息",
    more: "还有 {0} 个",
    you: "你",
    writeTo: "只对 {0} 说",
    answer: "回复",
    pasteTitle: "要逐行发送这 {0} 行吗？",
    Empty: "请填写名字。",
    Exist: "这个名字或看起来一样的名字已有人使用。",
    nameRefused: "不能用作名字：{0}。",
    Required: "使用这个名字需要密码。",
    Wrong: "密码不对。",
    banned: "你在 {0} 分钟内不能进入。",
    kicked: "管理员请你离开了：{0}",
    unreachable: "连不上服务器，可能人数已满或没有运行。",
    other: "服务器说：{0}",
    connecting: "正在连接……",
    lost: "连接断开了，{0} 秒后重试。",
    stillTaken: "名字 {0} 还被占用着，可能是刚才断开的连接。",
    gap: "在这之前可能还有你错过的消息。",
    missed: "有 {0} 行来得太快，没有显示。",
    kept: "没有连接，先留着：{0}",
    notSent: "没有连接，没有发送：{0}",
    unsent: "可能没有人看到：",
    resend: "重新发送",
    discard: "丢弃",
    moved: "你现在在 {0}。",
    entered: "{0} 进入了房间。",
    left: "{0} 离开了房间。",
    renamed: "{0} 改名为 {1}。",
    topicSet: "{0} 把话题设为：",
    privateFrom: "{0} 只对你说：",
    privateTo: "你只对 {0} 说：",
    earlier: "之前说的",
  },
};

const LANGUAGE = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";

/** A text in the user's language. */
function words(key, ...values) {
  return WORDS[LANGUAGE][key].replace(/\{(\d)\}/g, (_, at) => values[at]);
}

/** Puts words into every element that asks for some, as its text or as its label. */
function putAllWords() {
  document.documentElement.lang = LANGUAGE;
  for (const element of document.querySelectorAll("[data-words]")) {
    element.textContent = words(element.dataset.words);
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.ariaLabel = element.placeholder = words(element.dataset.label);
  }
}
