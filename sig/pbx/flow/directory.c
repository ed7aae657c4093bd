/* SPDX-License-Identifier: Apache-2.0 */
/* The verb directory: finds extensions by a name dialled as digits. Several matches are read out,
 * and a digit chooses one. The numbers found are in the record, like those of a dial, so a
 * successor goes on with the same list. */
#include "sig/call/prompts.h"
#include "sig/host/extension.h"
#include "sig/host/name_index.h"
#include "sig/pbx/flow/flow.h"

enum { KEYED_FROM = '1' };

/* Ways to say a name; the first that can be played is used. flow_run.target counts all ways of all
 * names. */
enum name_way { WAY_RECORDED, WAY_SPOKEN, WAY_NUMBER, WAYS };

/* Recorded for it, or as a speech engine says it; else its number. */
static bool directory_name(const struct flow_turn_of *t, struct bytes number, struct writer *said,
			   struct prompt_terms *terms)
{
	const struct call_host *h = t->h;
	struct writer w = writer_over(terms->files[0], PROMPT_NAME_MAX);
	const struct shard_extension *e =
		h->services->directory->extension(h->owner, t->c->tenant, number);

	switch ((enum name_way)(t->c->run->target % WAYS)) {
	case WAY_RECORDED:
		writer_str(&w, PROMPT_BY_NAME "name-");
		break;
	case WAY_SPOKEN:
		writer_str(&w, PROMPT_VALUE);
		WRITER_TEXTS(said, "text:::", e ? e->display_name : "");
		terms->said = writer_done(said);
		return e && !said->overflow;
	case WAY_NUMBER:
	case WAYS:
		writer_str(&w, PROMPT_DIGITS);
		break;
	}
	writer_bytes(&w, number);
	return !w.overflow;
}

/* "Anna Müller: press 1". Returns false if it cannot be made. */
static bool directory_terms(const struct flow_turn_of *t, struct bytes number, struct writer *said,
			    struct prompt_terms *terms)
{
	struct writer key = writer_over(terms->files[2], PROMPT_NAME_MAX);

	if (!directory_name(t, number, said, terms))
		return false;
	(void)bytes_cstr(BYTES_LIT(PROMPT_BY_NAME "name-press"), terms->files[1],
			 sizeof(terms->files[1]));
	writer_str(&key, PROMPT_DIGITS);
	writer_u8(&key, (uint8_t)(KEYED_FROM + t->c->run->target / WAYS));
	return true;
}

/* Says the name at the current target; behind the last one a digit is waited for. */
static int directory_say(struct flow_turn_of *t)
{
	uint8_t space[sizeof("text:::") + sizeof(((struct shard_extension *)0)->display_name)];
	struct prompt_terms terms = { .times = 1, .interruptible = true };
	struct writer said = writer_over(space, sizeof(space));
	struct flow_run *r = t->c->run;
	struct bytes number;
	bool more;

	while ((more = dial_target_at(r, r->target / WAYS, &number)) &&
	       !directory_terms(t, number, &said, &terms))
		r->target++;
	if (more) {
		terms.file_count = 3;
	} else {
		terms.min = terms.max = 1;
		terms.first_ms = verb_number(t->v, "first_s");
	}
	if (prompts_collect(t->h, t->c, &terms, 0))
		return OUTCOME_FAILED;
	r->kind = RUN_PROMPTS;
	return VERB_BEGUN;
}

/* The extensions that match the digits, by what this node knows now. */
static uint32_t directory_find(struct flow_turn_of *t, struct bytes found[NAME_INDEX_FOUND_MAX])
{
	uint8_t space[RUN_TARGETS_MAX];
	struct writer w = writer_over(space, sizeof(space));
	uint32_t n = name_index_find(t->h->names, t->c->tenant, verb_text(t->v, "keys"), found);

	for (uint32_t i = 0; i < n; i++) {
		writer_str(&w, i ? " " : "");
		writer_bytes(&w, found[i]);
	}
	return !w.overflow && !text_set(&t->c->run->targets, writer_done(&w)) ? n : 0;
}

int verb_directory(struct flow_turn_of *t)
{
	struct bytes found[NAME_INDEX_FOUND_MAX];
	struct flow_run *r = t->c->run;
	uint32_t n;

	if (r->targets.n)
		return directory_say(t);
	n = directory_find(t, found);
	if (!n)
		return OUTCOME_NONE;
	if (n == 1 && !verb_number(t->v, "confirm"))
		return text_set(&r->value, found[0]) ? OUTCOME_FAILED : OUTCOME_NEXT;
	return directory_say(t);
}

bool directory_reads(const struct call *c)
{
	return c->run->kind == RUN_PROMPTS && c->run->targets.n;
}

/* A way that cannot be played is followed by the next way; a digit without meaning goes on to the
 * next name. */
int directory_prompted(struct call *c, const struct prompt_result *result)
{
	struct flow_run *r = c->run;
	struct bytes number;

	if (result->digits.n && result->digits.p[0] >= KEYED_FROM && result->digits.p[0] <= '9' &&
	    dial_target_at(r, (uint8_t)(result->digits.p[0] - KEYED_FROM), &number))
		return text_set(&r->value, number) ? OUTCOME_FAILED : OUTCOME_NEXT;
	if (!dial_target_at(r, r->target / WAYS, &number))
		return OUTCOME_TIMEOUT;
	r->target = result->outcome == PROMPT_FAILED ? (uint8_t)(r->target + 1)
						     : (uint8_t)((r->target / WAYS + 1) * WAYS);
	return VERB_AGAIN;
}
