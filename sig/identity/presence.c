/* SPDX-License-Identifier: Apache-2.0 */
/* Presence of a user (presence.h): states stated by hand, calendar or phones with their expiry,
 * publications with etags (RFC 3903), and the view that watchers get, in which the first row of
 * g_rows that applies decides (docs/guides/presence.md). Pure: the document has the words as text,
 * and time is an argument. */

#include "sig/identity/presence.h"

#include <errno.h>

/* ---- words ---- */

static const char *const g_states[] = { PRESENCE_USUAL,   "busy", "do_not_disturb",
					PRESENCE_MEETING, "away", "out_of_office",
					"off_work" };
/* Shown by themselves. */
#define STATE_OFFLINE    "offline"
#define STATE_CALL       "on_the_phone"
#define STATE_CONFERENCE "in_a_conference"

static bool is_automatic(struct bytes state)
{
	return bytes_is(state, STATE_OFFLINE) || bytes_is(state, STATE_CALL) ||
	       bytes_is(state, STATE_CONFERENCE);
}

bool presence_name_fits(struct bytes text)
{
	return text.n && text.p[0] != '.' && bytes_are_plain(text);
}

static bool state_fits(struct bytes state)
{
	return state.n < PRESENCE_MAX && presence_name_fits(state);
}

const char *presence_wrong(const char *state)
{
	return !state[0] || state_fits(bytes_str(state))
		       ? NULL
		       : "a state has 1 to 31 letters, digits, '.', '_' and '-', no '.' first";
}

bool presence_may_say(struct bytes list, struct bytes state)
{
	for (size_t i = 0; i < COUNT_OF(g_states); i++) {
		if (bytes_is(state, g_states[i]))
			return true;
	}
	return list.n ? bytes_list_has(list, state) : state_fits(state) && !is_automatic(state);
}

const char *presence_list_wrong(struct bytes list)
{
	struct bytes one;

	if (list.n && list.p[list.n - 1] == ',')
		return "there is no state after a ','";
	while (bytes_cut(&list, ',', &one)) {
		if (!state_fits(one))
			return "a state has 1 to 31 letters, digits, '.', '_' and '-', no '.' "
			       "first";
		if (is_automatic(one))
			return STATE_OFFLINE ", " STATE_CALL " and " STATE_CONFERENCE
					     " are shown by themselves";
	}
	return NULL;
}

static bool word_counts(const struct presence_word *w, uint64_t utc_ms)
{
	return w->state[0] && (!w->until_utc_ms || w->until_utc_ms > utc_ms);
}

const struct presence_word *presence_current(const struct presence *p, uint64_t utc_ms)
{
	const struct presence_word *said = NULL;

	for (unsigned i = 0; p && i < PRESENCE_WORDS; i++) {
		const struct presence_word *w = &p->words[i];

		if (i != PRESENCE_CALENDAR && word_counts(w, utc_ms) &&
		    (!said || w->set_utc_ms > said->set_utc_ms))
			said = w;
	}
	return said;
}

uint64_t presence_next_utc_ms(const struct presence *p, uint64_t utc_ms)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < PRESENCE_WORDS; i++) {
		const struct presence_word *w = &p->words[i];

		if (word_counts(w, utc_ms) && w->until_utc_ms && w->until_utc_ms < next)
			next = w->until_utc_ms;
	}
	return next;
}

bool presence_expire(struct presence *p, uint64_t utc_ms)
{
	bool any = false;

	for (unsigned i = 0; i < PRESENCE_WORDS; i++) {
		struct presence_word *w = &p->words[i];

		if (!w->state[0] || word_counts(w, utc_ms))
			continue;
		*w = (struct presence_word){ 0 };
		any = true;
	}
	return any;
}

/* A meeting that goes on has begun when it was said first: a newer word of its user counts. */
static void calendar_say(struct presence_word *calendar, const struct presence_word *word)
{
	uint64_t begun_ms =
		word_counts(calendar, word->set_utc_ms) ? calendar->set_utc_ms : word->set_utc_ms;

	*calendar = *word;
	calendar->set_utc_ms = begun_ms;
}

void presence_say(struct presence *p, const struct presence_word *word)
{
	struct presence_word *manual = &p->words[PRESENCE_MANUAL];

	if (word->by == PRESENCE_BY_CALENDAR) {
		calendar_say(&p->words[PRESENCE_CALENDAR], word);
		return;
	}
	if (!word->until_utc_ms)
		p->words[PRESENCE_LASTING] = (struct presence_word){ 0 };
	else if (!manual->until_utc_ms)
		p->words[PRESENCE_LASTING] = *manual;
	*manual = *word;
}

/* ---- publications ---- */

static struct presence_word *phone_find(struct presence *p, uint64_t etag, uint64_t utc_ms)
{
	for (unsigned i = PRESENCE_PHONES; etag && i < PRESENCE_WORDS; i++) {
		if (p->words[i].etag == etag && word_counts(&p->words[i], utc_ms))
			return &p->words[i];
	}
	return NULL;
}

/* A free place, else that of the one that ends first. */
static struct presence_word *phone_place(struct presence *p)
{
	struct presence_word *place = &p->words[PRESENCE_PHONES];

	for (unsigned i = PRESENCE_PHONES; i < PRESENCE_WORDS; i++) {
		if (p->words[i].until_utc_ms < place->until_utc_ms)
			place = &p->words[i];
	}
	return place;
}

int presence_publish(struct presence *p, uint64_t if_match, const struct presence_word *word,
		     uint64_t utc_ms)
{
	struct presence_word *at = phone_find(p, word->etag, utc_ms), before = { 0 };
	bool ends = word->until_utc_ms <= utc_ms;

	if (at && !ends)
		return 0;
	at = if_match ? phone_find(p, if_match, utc_ms) : ends ? NULL : phone_place(p);
	if (!at)
		return if_match ? -ENOENT : 0;
	if (if_match)
		before = *at;
	*at = ends ? (struct presence_word){ 0 } : *word;
	if (ends)
		return 0;
	at->by = PRESENCE_BY_PHONE;
	if (!word->state[0]) {
		memcpy(at->state, before.state, sizeof(at->state));
		memcpy(at->note, before.note, sizeof(at->note));
	}
	at->set_utc_ms = utc_ms;
	if (!strcmp(at->state, before.state[0] ? before.state : PRESENCE_USUAL) &&
	    !strcmp(at->note, before.note))
		at->set_utc_ms = before.set_utc_ms;
	return 0;
}

/* ---- as text ---- */

void presence_word_write(struct writer *w, const struct presence *p, unsigned at)
{
	const struct presence_word *word = &p->words[at];

	writer_number(w, "", at, " ");
	writer_number(w, "", word->by, " ");
	writer_number(w, "", word->etag, " ");
	writer_number(w, "", word->set_utc_ms, " ");
	writer_number(w, "", word->until_utc_ms, " ");
	WRITER_TEXTS(w, word->state, " ", word->note);
}

int presence_word_read(struct presence *p, struct bytes text)
{
	struct presence_word word = { 0 };
	struct bytes part;
	uint64_t numbers[5];

	for (unsigned i = 0; i < COUNT_OF(numbers); i++) {
		if (!bytes_cut(&text, ' ', &part) || bytes_u64(part, &numbers[i]))
			return -EBADMSG;
	}
	word.etag = numbers[2];
	word.set_utc_ms = numbers[3];
	word.until_utc_ms = numbers[4];
	word.by = (uint8_t)numbers[1];
	if (numbers[0] >= PRESENCE_WORDS || numbers[1] >= PRESENCE_SOURCES ||
	    !bytes_cut(&text, ' ', &part) || !state_fits(part) ||
	    bytes_cstr(part, word.state, sizeof(word.state)) ||
	    bytes_cstr(text, word.note, sizeof(word.note)))
		return -EBADMSG;
	p->words[numbers[0]] = word;
	return 0;
}

/* ---- what is shown ---- */

enum {
	FACT_MEETING = 16,
	FACT_SET = 32,
	FACT_ALWAYS = 64,
};

/* The first row that applies is shown (docs/guides/presence.md). NULL: the stated presence. */
static const struct {
	unsigned fact;
	const char *state;
} g_rows[] = {
	{ PRESENCE_OFFLINE, STATE_OFFLINE }, { PRESENCE_CONFERENCE, STATE_CONFERENCE },
	{ PRESENCE_CALL, STATE_CALL },       { PRESENCE_DO_NOT_DISTURB, "do_not_disturb" },
	{ FACT_MEETING, PRESENCE_MEETING },  { FACT_SET, NULL },
	{ FACT_ALWAYS, PRESENCE_USUAL },
};

/* These states mean that the user takes no calls. */
static bool word_is_closed(const struct presence_word *said)
{
	return said && bytes_list_has(BYTES_LIT("do_not_disturb,out_of_office,off_work"),
				      bytes_str(said->state));
}

void presence_show(const struct presence *p, unsigned facts, uint64_t utc_ms,
		   struct presence_view *out)
{
	const struct presence_word *said = presence_current(p, utc_ms), *shown = NULL;
	const struct presence_word *calendar = p ? &p->words[PRESENCE_CALENDAR] : NULL;
	unsigned row = 0;

	facts |= FACT_ALWAYS | (said ? FACT_SET : 0U);
	if (calendar && word_counts(calendar, utc_ms) &&
	    !(said && said->set_utc_ms > calendar->set_utc_ms))
		facts |= FACT_MEETING;
	while (!(facts & g_rows[row].fact))
		row++;
	if (g_rows[row].fact == FACT_MEETING)
		shown = calendar;
	else if (!g_rows[row].state)
		shown = said;
	*out = (struct presence_view){
		.state = g_rows[row].state ? g_rows[row].state : said->state,
		.note = shown && shown->note[0] ? shown->note
			: said                  ? said->note
						: "",
		.until_utc_ms = shown && shown->by != PRESENCE_BY_PHONE ? shown->until_utc_ms : 0,
		.open = !(facts & (PRESENCE_OFFLINE | PRESENCE_DO_NOT_DISTURB)) &&
			!word_is_closed(said),
	};
}
