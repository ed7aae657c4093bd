/* SPDX-License-Identifier: Apache-2.0 */
/* Prompts for a caller that the node itself has answered: it plays files of the tenant, and
 * collects digits or records speech. Steps, each with what follows each outcome; behind the last
 * one the call waits for the next order. They are in the record. A successor continues the file
 * near its position, and has the digits collected before. */
#ifndef SIG_CALL_PROMPTS_H
#define SIG_CALL_PROMPTS_H

#include "media/job.h"
#include "sig/call/audio_source.h"
#include "sig/model/call.h"

enum {
	PROMPT_STEPS_MAX = 2,
	PROMPT_FILES_MAX = 4,
	PROMPT_NAME_MAX = 64,
	PROMPT_MAILBOX_MAX = 63,
	PROMPT_TIMES_MAX = 100,
	PROMPT_TRIES_MAX = 10,
	PROMPT_CONTROLS = 3,
	PROMPT_MOVE_MS = 5000,  /* by one of them */
	PROMPT_DIGITS_MAX = 16, /* IVR-02 */
	PROMPT_WAIT_MAX_MS = 600000,
	PROMPT_PLACE_MAX_MS = 600000, /* as long as a file may be */
	PROMPT_LATE_MS = 200,         /* by which it is not where time says */
	/* a successor repeats the last words: it cannot know how long there was silence */
	PROMPT_AGAIN_MS = 2000,
	PROMPT_MESSAGE_MAX_MS = 600000,
	PROMPT_SILENCE_MAX_MS =
		10000, /* as much as a file may lack at its end (app/record/record_voice.h) */
	PROMPT_CLOSE_MS = 5000,  /* a file is awaited, where the disk is slow */
	PROMPT_SAID_MAX = 1280,  /* octets */
	PROMPT_DONE = UINT8_MAX, /* next: none */
};

/* Instead of a file: an echo of the caller; or the tone of that name (sig/host/tones.def) of the
 * node's country. Endless, except when digits are collected: the first one is awaited as long as in
 * silence. */
#define PROMPT_ECHO      "echo"
#define PROMPT_LATE_ECHO "echo-" /* and how many ms later */
#define PROMPT_TONE      "tone-"
/* Files not of the tenant alone: a prompt by its name, in the caller's language; and digits, spoken
 * one by one. */
#define PROMPT_BY_NAME "prompt:"
/* Behind such a name, with the hash of the file begun: that is played even if the name has changed.
 * Not for commands. */
#define PROMPT_PINNED "@"
#define PROMPT_DIGITS "digits:"
/* Instead of a file: the content of terms.said, which may be a secret: a value in words, or a text
 * (sig/host/spoken_value.h). Not for commands. */
#define PROMPT_VALUE "said:"
/* Instead of a file: the caller is connected to the application of that endpoint (live.endpoints),
 * which ends it. */
#define PROMPT_LIVE "live-"
/* A message that was recorded in a call of the tenant: recording:CALL-NUMBER. */
#define PROMPT_RECORDING "recording:"
/* The recorded name of a conference member, from that call of the tenant: name:CALL-NUMBER. Not for
 * commands. */
#define PROMPT_SPOKEN "name:"
/* Played before a message is recorded. */
#define PROMPT_BEEP "beep"
/* Played to all members when one joins or leaves. */
#define PROMPT_BEEP_ENTRY "beep-entry"
#define PROMPT_BEEP_EXIT  "beep-exit"

enum prompt_step_kind { PROMPT_PLAY, PROMPT_COLLECT, PROMPT_RECORD };
enum prompt_outcome {
	PROMPT_ENDED,   /* all was played; or all digits have come; or the speaker is silent */
	PROMPT_DIGIT,   /* a digit during playback; or one that ends digits or message */
	PROMPT_TIMEOUT, /* no (further) digit came; or the message is as long as it may be */
	PROMPT_FAILED,  /* it cannot be played, or recorded */
	PROMPT_STOPPED, /* by order */
	PROMPT_HANGUP,
	PROMPT_OUTCOMES,
};

struct prompt_step {
	uint8_t kind;                  /* enum prompt_step_kind */
	uint8_t next[PROMPT_OUTCOMES]; /* step; PROMPT_DONE */
};

/* What is to be played, and how digits are collected, or a message is recorded. */
struct prompt_terms {
	char files[PROMPT_FILES_MAX][PROMPT_NAME_MAX + 1];
	uint8_t file_count;
	uint8_t times;      /* of all files; 0: without end */
	bool interruptible; /* a digit ends it */
	bool only_ends;     /* ... one of ends alone */
	uint8_t min, max;   /* digits; max 0: none are collected */
	uint32_t first_ms, inter_ms;
	char ends[PROMPT_DIGITS_MAX + 1]; /* digits that end them, or the message */
	char tag[CALL_TAG_MAX + 1]; /* name of the digits in the call's data; "": not stored */
	/* digits after which the dial tone plays again until the next one; "": never */
	char tone_behind[PROMPT_DIGITS_MAX + 1];
	/* Digits that move within the file: back, pause and resume, forward; "": none. */
	char controls[PROMPT_CONTROLS + 1];
	uint8_t tries; /* attempts to play and collect while fewer than min come; 0: one */
	uint32_t message_max_ms;              /* 0: no message is recorded */
	uint32_t message_silence_ms;          /* silence that ends it; 0: silence does not */
	uint32_t message_min_ms;              /* less is "short" */
	char mailbox[PROMPT_MAILBOX_MAX + 1]; /* that the message lies in; "": none */
	bool draft;        /* ... until its caller says what becomes of it (docs/adr/0125) */
	bool first;        /* the first file that can be played is played, and no other */
	bool spared;       /* ... and it is no fault where none is there */
	struct bytes said; /* of PROMPT_VALUE; copied */
};

struct prompts {
	struct prompt_terms terms;
	struct text said; /* a secret */
	struct prompt_step list[PROMPT_STEPS_MAX];
	uint8_t count, at;
	uint8_t file, time;              /* that plays */
	char pinned[PROMPT_PIN_MAX + 1]; /* and its hash, if a document; else "" */
	uint32_t order;                  /* number */
	uint32_t place_ms;     /* within the file: now, or at since_utc_ms where that is not 0 */
	uint32_t played_ms;    /* of the file, for so long: as place_ms, and no skip changes it */
	uint64_t since_utc_ms; /* played since then */
	bool paused;
	uint64_t until_ns; /* the next digit is waited for, or the message may last; 0: none is */
	char digits[PROMPT_DIGITS_MAX + 1];
	uint8_t digit_count;
	uint8_t tried;     /* before this time */
	uint8_t recording; /* number of the message; 0: none yet */
	/* 1 + enum prompt_outcome of the message once its file exists; 0: recording */
	uint8_t closing;
	uint32_t message_ms; /* as long as it is known to be; of a process before: before_ms */
	uint32_t before_ms;
	/* In a bridge, the leg that hears the announcement while its peer hears music. Or one of
	 * the callees that are to confirm by a digit (leg_is_screened): all of them with the same
	 * codec hear it. LEG_NONE: the caller has no peer. */
	uint8_t leg;
	bool both;     /* ... and the peer hears it, too, if its phone takes the same codec, */
	uint8_t alone; /* but for so many files */
	/* of this process */
	uint64_t serial;                   /* of what was asked to be played; 0: nothing is */
	bool resumed;                      /* what is played was played by a process before */
	const char *why;                   /* the last failure; NULL: unknown */
	enum audio_source source;          /* AUDIO_SOURCE_PEER: nothing is played */
	enum media_codec codec;            /* of what plays */
	struct job_id track[MEDIA_CODECS]; /* that plays; generation 0: not yet */
};

/* What is played is told to do so. MS: by so much. */
enum prompt_control {
	PROMPT_PLACE,
	PROMPT_PAUSE,
	PROMPT_RESUME,
	PROMPT_SKIP_FORWARD,
	PROMPT_SKIP_BACK,
	PROMPT_SEEK
};

/* How what the node itself asked for ended. */
struct prompt_result {
	enum prompt_outcome outcome;
	bool few;            /* less than was asked for: digits, or of a message */
	struct bytes digits; /* a secret */
	uint8_t recording;   /* number; 0: none */
	const char *why;     /* why it cannot be played: a constant phrase; or NULL */
	bool none;           /* of terms.first: none of the files is there */
};

void prompts_clear(struct prompts **prompts);
/* REFUSED_NOTHING_PLAYED, REFUSED_NO_POSITION (it has no end, either). */
enum refusal prompts_control(struct call_host *h, struct call *c, enum prompt_control control,
			     uint32_t ms) NODISCARD;
/* Where the file is that plays, or is paused. */
uint32_t prompts_place_ms(const struct prompts *a, uint64_t utc_ms);
/* The time played by now, skips and repetitions aside. */
uint32_t prompts_played_ms(const struct prompts *a, uint64_t utc_ms);
/* By order, replaces what was under way; terms without a file, digits and a message: stops it.
 * REFUSED_NOT_ALONE, _NO_COLLECTOR, _LEG_RECORDED (a message), _MEMORY. */
enum refusal prompts_start(struct call_host *h, struct call *c, const struct prompt_terms *terms,
			   uint32_t order) NODISCARD;
/* The node itself asks: digits or a name of a caller that is to join a conference, or as a flow
 * orders. modules_prompted reports the outcome, without an event; a recorded name is in
 * member.name. As above; order 0. */
enum refusal prompts_collect(struct call_host *h, struct call *c, const struct prompt_terms *terms,
			     uint32_t order) NODISCARD;
/* Plays files to a leg of a pair, which is bridged again afterwards, without an event. The first
 * `alone` of them are for that leg, all others for its peer, too. Or to a leg that is to confirm by
 * a digit. Returns false if it cannot be played, or something is playing. */
bool prompts_announce(struct call_host *h, struct call *c, uint8_t leg,
		      const struct prompt_terms *terms, uint8_t alone);
/* At the end of a step: no leg is to confirm any more, or another one than the listener. */
void prompts_settle(struct call_host *h, struct call *c);
/* It is playing to a leg of the pair. */
bool prompts_are_announcing(const struct call *c);
/* A digit would mean something to what is played or collected, or to a verb behind it. */
bool prompts_want_digits(const struct call *c);
/* The caller dialled a digit. If nothing asks for it, it is kept if a verb of the flow may ask
 * later. */
void prompts_on_digit(struct call_host *h, struct call *c, char key);
/* The kept digits, for what asks now. */
void prompts_on_digits_kept(struct call_host *h, struct call *c);
/* What was asked to be played has begun, goes on, or is over. */
void prompts_on_reply(struct call_host *h, struct call *c, const struct prompt_reply *new_state);
/* An event of the message with that number, which is a recording of the call
 * (sig/pbx/recording/recording.h), or that it cannot be recorded. When it ends, its file is awaited
 * for a moment: the receiver of the event may play it at once. */
void prompts_on_recorded(struct call_host *h, struct call *c, const struct record_reply *new_state);
void prompts_on_record_failed(struct call_host *h, struct call *c, uint8_t number);
/* No digit came in time, or the message is as long as it may be. */
void prompts_on_timeout(struct call_host *h, struct call *c);
/* Stops playing and collecting: the caller is taken elsewhere. */
void prompts_stop(struct call_host *h, struct call *c);
/* The call ends. */
void prompts_end(struct call_host *h, struct call *c);
/* In the next process. */
void prompts_resume(struct call_host *h, struct call *c);
/* The silence that ends that message; 0: unlimited, or it is not a message. */
uint32_t prompts_silence_ms(const struct call *c, uint8_t number);
/* A recording of it runs. */
bool prompts_records(const struct call *c, uint8_t number);
/* What that leg hears of it; AUDIO_SOURCE_PEER: nothing. */
enum audio_source prompts_audio_source(const struct call *c, uint8_t leg);
/* By codec, where that is AUDIO_SOURCE_PLAY. */
const struct job_id *prompts_track(const struct call *c);

#endif
