/* SPDX-License-Identifier: Apache-2.0 */
/* What the record of a call has of its prompts, and which of it is refused. */
#include <string.h>

#include "sig/call/module.h"
#include "sig/call/prompts.h"
#include "sig/model/recording.h"
#include "sig/model/saved.h"

static bool prompt_digits_check(struct schema_reader *r, void *member)
{
	const char *digits = member;

	(void)r;
	return digits[strspn(digits, "0123456789*#ABCDF")] == '\0';
}

static bool prompt_tag_check(struct schema_reader *r, void *member)
{
	struct bytes tag = bytes_str(member);

	(void)r;
	return !tag.n || call_tag_is_good(tag);
}

static bool prompt_mailbox_check(struct schema_reader *r, void *member)
{
	(void)r;
	for (const char *c = member; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return false;
	}
	return true;
}

static bool prompt_pinned_check(struct schema_reader *r, void *member)
{
	const char *hash = member;

	(void)r;
	return strlen(hash) == PROMPT_PIN_MAX && hash[strspn(hash, "0123456789abcdef")] == '\0';
}

/* Forwards alone, so that there is an end. */
static bool prompt_step_fits(const struct prompts *a, uint8_t i)
{
	const struct prompt_step *step = &a->list[i];

	for (uint8_t k = 0; k < PROMPT_OUTCOMES; k++) {
		if (step->next[k] != PROMPT_DONE &&
		    (step->next[k] <= i || step->next[k] >= a->count))
			return false;
	}
	return !(step->kind == PROMPT_PLAY && a->terms.file_count == 0) &&
	       !(step->kind == PROMPT_COLLECT && a->terms.max == 0) &&
	       !(step->kind == PROMPT_RECORD && a->terms.message_max_ms == 0);
}

static bool prompt_steps_fit(const struct prompts *a)
{
	uint8_t i = 0;

	while (i < a->count && prompt_step_fits(a, i))
		i++;
	return i == a->count && a->at < a->count;
}

/* What is recorded of it is in the recordings of the call. */
static bool prompt_message_fits(const struct prompts *a)
{
	bool records = a->list[a->at].kind == PROMPT_RECORD;

	return !(a->terms.message_max_ms && (a->terms.max || a->leg != LEG_NONE)) &&
	       (records || (!a->recording && !a->closing));
}

static bool prompt_place_fits(const struct prompts *a)
{
	return (!a->file || a->file < a->terms.file_count) &&
	       !(a->terms.max && a->digit_count >= a->terms.max) &&
	       a->digit_count < PROMPT_DIGITS_MAX && a->tried <= a->terms.tries &&
	       !(a->leg != LEG_NONE && a->terms.max);
}

static bool prompts_check(struct schema_reader *r, void *object)
{
	struct prompts *a = object;

	a->digit_count = (uint8_t)strlen(a->digits);
	if (a->terms.min > a->terms.max)
		return schema_wrong(r, "acts: terms");
	if (!prompt_steps_fit(a))
		return schema_wrong(r, "acts: steps");
	if (!prompt_message_fits(a))
		return schema_wrong(r, "acts: message");
	if (!prompt_place_fits(a))
		return schema_wrong(r, "acts: place");
	if (a->message_ms > PROMPT_MESSAGE_MAX_MS)
		a->message_ms = PROMPT_MESSAGE_MAX_MS;
	a->both = a->both && a->leg != LEG_NONE;
	return a->list[a->at].kind == PROMPT_PLAY || a->until_ns;
}

static const struct schema prompt_step_rows[] = {
	{ "kind", 1, SCHEMA_UINT, SCHEMA_AT(struct prompt_step, kind), .max = PROMPT_RECORD },
	{ "next", 2, SCHEMA_OCTETS, SCHEMA_AT(struct prompt_step, next), .min = PROMPT_OUTCOMES },
	{ 0 },
};

static const struct schema prompts_rows[] = {
	{ "steps", 1, SCHEMA_MESSAGE, SCHEMA_LIST,
	  SCHEMA_OF(struct prompts, list, struct prompt_step), .of = prompt_step_rows,
	  .count = offsetof(struct prompts, count), .most = PROMPT_STEPS_MAX,
	  .wrong = "acts: steps" },
	{ "files", 2, SCHEMA_CSTR, SCHEMA_LIST,
	  SCHEMA_OF(struct prompts, terms.files, char[PROMPT_NAME_MAX + 1]),
	  .count = offsetof(struct prompts, terms.file_count), .most = PROMPT_FILES_MAX,
	  .wrong = "acts: files" },
	{ "times", 3, SCHEMA_UINT, SCHEMA_AT(struct prompts, terms.times), .max = PROMPT_TIMES_MAX,
	  .wrong = "acts: terms" },
	{ "interruptible", 4, SCHEMA_BOOL, SCHEMA_AT(struct prompts, terms.interruptible) },
	{ "min", 5, SCHEMA_UINT, SCHEMA_AT(struct prompts, terms.min), .wrong = "acts: terms" },
	{ "max", 6, SCHEMA_UINT, SCHEMA_AT(struct prompts, terms.max), .max = PROMPT_DIGITS_MAX,
	  .wrong = "acts: terms" },
	{ "first_ms", 7, SCHEMA_UINT, SCHEMA_AT(struct prompts, terms.first_ms),
	  .max = PROMPT_WAIT_MAX_MS, .wrong = "acts: terms" },
	{ "inter_ms", 8, SCHEMA_UINT, SCHEMA_AT(struct prompts, terms.inter_ms),
	  .max = PROMPT_WAIT_MAX_MS, .wrong = "acts: terms" },
	{ "ends", 9, SCHEMA_CSTR, SCHEMA_AT(struct prompts, terms.ends),
	  .check = prompt_digits_check, .wrong = "acts: keys" },
	{ "at", 10, SCHEMA_UINT, SCHEMA_AT(struct prompts, at), .wrong = "acts: steps" },
	{ "file", 11, SCHEMA_UINT, SCHEMA_AT(struct prompts, file), .max = PROMPT_FILES_MAX - 1,
	  .wrong = "acts: place" },
	{ "time", 12, SCHEMA_UINT, SCHEMA_AT(struct prompts, time), .max = PROMPT_TIMES_MAX,
	  .wrong = "acts: place" },
	{ "order", 13, SCHEMA_UINT, SCHEMA_AT(struct prompts, order) },
	{ "until_utc_ms", 14, SCHEMA_DEADLINE, SCHEMA_AT(struct prompts, until_ns),
	  .max = PROMPT_WAIT_MAX_MS },
	{ "digits", 15, SCHEMA_CSTR, SCHEMA_SECRET, SCHEMA_AT(struct prompts, digits),
	  .check = prompt_digits_check, .wrong = "acts: keys" },
	{ "place_ms", 16, SCHEMA_UINT, SCHEMA_AT(struct prompts, place_ms),
	  .max = PROMPT_PLACE_MAX_MS, .wrong = "acts: place" },
	{ "since_utc_ms", 17, SCHEMA_TIME, SCHEMA_AT(struct prompts, since_utc_ms) },
	{ "paused", 18, SCHEMA_BOOL, SCHEMA_AT(struct prompts, paused) },
	{ "tag", 19, SCHEMA_CSTR, SCHEMA_AT(struct prompts, terms.tag), .check = prompt_tag_check,
	  .wrong = "acts: tag" },
	{ "tries", 20, SCHEMA_UINT, SCHEMA_AT(struct prompts, terms.tries), .max = PROMPT_TRIES_MAX,
	  .wrong = "acts: terms" },
	{ "tried", 21, SCHEMA_UINT, SCHEMA_AT(struct prompts, tried), .wrong = "acts: place" },
	{ "leg", 22, SCHEMA_UINT, SCHEMA_PLUS_ONE, SCHEMA_AT(struct prompts, leg), .max = LEGS_MAX,
	  .wrong = "acts: place" },
	{ "message_max_ms", 23, SCHEMA_UINT, SCHEMA_AT(struct prompts, terms.message_max_ms),
	  .max = PROMPT_MESSAGE_MAX_MS, .wrong = "acts: message" },
	{ "message_silence_ms", 24, SCHEMA_UINT,
	  SCHEMA_AT(struct prompts, terms.message_silence_ms), .max = PROMPT_SILENCE_MAX_MS,
	  .wrong = "acts: message" },
	{ "message_min_ms", 25, SCHEMA_UINT, SCHEMA_AT(struct prompts, terms.message_min_ms),
	  .max = PROMPT_MESSAGE_MAX_MS, .wrong = "acts: message" },
	{ "recording", 26, SCHEMA_UINT, SCHEMA_AT(struct prompts, recording),
	  .max = RECORDING_NUMBER_MAX, .wrong = "acts: message" },
	{ "closing", 27, SCHEMA_UINT, SCHEMA_AT(struct prompts, closing), .max = PROMPT_OUTCOMES,
	  .wrong = "acts: message" },
	{ "message_ms", 28, SCHEMA_UINT, SCHEMA_AT(struct prompts, message_ms) },
	{ "both", 29, SCHEMA_BOOL, SCHEMA_AT(struct prompts, both) },
	{ "mailbox", 30, SCHEMA_CSTR, SCHEMA_AT(struct prompts, terms.mailbox),
	  .check = prompt_mailbox_check, .wrong = "acts: mailbox" },
	{ "only_ends", 31, SCHEMA_BOOL, SCHEMA_AT(struct prompts, terms.only_ends) },
	{ "pinned", 32, SCHEMA_CSTR, SCHEMA_AT(struct prompts, pinned),
	  .check = prompt_pinned_check, .wrong = "acts: pinned" },
	{ "said", 33, SCHEMA_TEXT, SCHEMA_SECRET, SCHEMA_AT(struct prompts, said),
	  .max = PROMPT_SAID_MAX, .wrong = "acts: said" },
	{ "alone", 34, SCHEMA_UINT, SCHEMA_AT(struct prompts, alone), .max = PROMPT_FILES_MAX },
	{ "tone_behind", 35, SCHEMA_CSTR, SCHEMA_AT(struct prompts, terms.tone_behind),
	  .check = prompt_digits_check, .wrong = "acts: keys" },
	{ "controls", 36, SCHEMA_CSTR, SCHEMA_AT(struct prompts, terms.controls),
	  .check = prompt_digits_check, .wrong = "acts: keys" },
	{ "draft", 37, SCHEMA_BOOL, SCHEMA_AT(struct prompts, terms.draft) },
	{ "first", 38, SCHEMA_BOOL, SCHEMA_AT(struct prompts, terms.first) },
	{ "spared", 39, SCHEMA_BOOL, SCHEMA_AT(struct prompts, terms.spared) },
	{ "played_ms", 40, SCHEMA_UINT, SCHEMA_AT(struct prompts, played_ms),
	  .max = PROMPT_PLACE_MAX_MS, .wrong = "acts: place" },
	{ 0 },
};

const struct schema prompts_saved[] = {
	{ "prompts", 41, SCHEMA_MESSAGE, SCHEMA_POINTER,
	  SCHEMA_OF(struct call, prompts, struct prompts), .of = prompts_rows,
	  .check = prompts_check, .wrong = "acts: until" },
	{ 0 },
};
