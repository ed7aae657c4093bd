/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "sig/call/act.h"
#include "sig/model/recording.h"
#include "sig/record/call_pack.h"
#include "sig/record/call_read.h"

static void pack_steps(struct packing *p, const struct prompts *a)
{
	for (uint8_t i = 0; i < a->count; i++) {
		Tandem__Call__PromptStep *out = &p->prompt_steps[i];

		tandem__call__prompt_step__init(out);
		out->kind = a->list[i].kind;
		out->next = packing_octets(a->list[i].next, sizeof(a->list[i].next));
		p->prompt_list[i] = out;
	}
	p->prompts.steps = p->prompt_list;
	p->prompts.n_steps = a->count;
}

static ProtobufCBinaryData cstr(const char *s)
{
	return packing_octets(s, strlen(s));
}

void packing_prompts(const struct call_host *h, struct packing *p, const struct prompts *a)
{
	Tandem__Call__Prompts *out = &p->prompts;

	if (!a)
		return;
	tandem__call__prompts__init(out);
	pack_steps(p, a);
	for (uint8_t i = 0; i < a->terms.file_count; i++)
		p->prompt_files[i] = cstr(a->terms.files[i]);
	out->files = p->prompt_files;
	out->n_files = a->terms.file_count;
	out->times = a->terms.times;
	out->interruptible = a->terms.interruptible;
	out->min = a->terms.min;
	out->max = a->terms.max;
	out->first_ms = a->terms.first_ms;
	out->inter_ms = a->terms.inter_ms;
	out->ends = cstr(a->terms.ends);
	out->at = a->at;
	out->file = a->file;
	out->time = a->time;
	out->order = a->order;
	out->until_utc_ms = packing_utc(h, a->until_ns);
	out->digits = cstr(a->digits);
	out->place_ms = a->place_ms;
	out->since_utc_ms = a->since_utc_ms;
	out->paused = a->paused;
	out->tag = cstr(a->terms.tag);
	out->tries = a->terms.tries;
	out->tried = a->tried;
	out->both = a->both;
	out->message_max_ms = a->terms.message_max_ms;
	out->message_silence_ms = a->terms.message_silence_ms;
	out->message_min_ms = a->terms.message_min_ms;
	out->recording = a->recording;
	out->closing = a->closing;
	out->message_ms = a->message_ms;
	out->mailbox = cstr(a->terms.mailbox);
	out->leg = a->leg == LEG_NONE ? 0 : a->leg + 1U;
	p->call.prompts = out;
}

static bool prompt_read_digits(struct reading *r, char out[PROMPT_DIGITS_MAX + 1],
			       const ProtobufCBinaryData *in)
{
	for (size_t i = 0; i < in->len; i++) {
		if (!in->data[i] || !strchr("0123456789*#ABCDF", in->data[i]))
			return reading_wrong(r, "acts: keys");
	}
	return !bytes_cstr(reading_slice(in), out, PROMPT_DIGITS_MAX + 1) ||
	       reading_wrong(r, "acts: keys");
}

static bool read_files(struct reading *r, struct prompt_terms *t, const Tandem__Call__Prompts *in)
{
	if (in->n_files > PROMPT_FILES_MAX)
		return reading_wrong(r, "acts: files");
	for (size_t i = 0; i < in->n_files; i++) {
		if (bytes_cstr(reading_slice(&in->files[i]), t->files[i], sizeof(t->files[i])))
			return reading_wrong(r, "acts: file");
	}
	t->file_count = (uint8_t)in->n_files;
	return true;
}

static bool read_steps(struct reading *r, struct prompts *a, const Tandem__Call__Prompts *in)
{
	if (in->n_steps == 0 || in->n_steps > PROMPT_STEPS_MAX || in->at >= in->n_steps)
		return reading_wrong(r, "acts: steps");
	a->count = (uint8_t)in->n_steps;
	for (uint8_t i = 0; i < a->count; i++) {
		const Tandem__Call__PromptStep *step = in->steps[i];

		if (step->kind > PROMPT_RECORD || step->next.len != PROMPT_OUTCOMES ||
		    (step->kind == PROMPT_PLAY && a->terms.file_count == 0) ||
		    (step->kind == PROMPT_COLLECT && a->terms.max == 0) ||
		    (step->kind == PROMPT_RECORD && a->terms.message_max_ms == 0))
			return reading_wrong(r, "acts: step");
		a->list[i].kind = (uint8_t)step->kind;
		for (uint8_t k = 0; k < PROMPT_OUTCOMES; k++) {
			uint8_t next = step->next.data[k];

			/* forwards alone, so that there is an end */
			if (next != PROMPT_DONE && (next <= i || next >= a->count))
				return reading_wrong(r, "acts: next");
			a->list[i].next[k] = next;
		}
	}
	a->at = (uint8_t)in->at;
	return true;
}

static bool mailbox_is_good(struct bytes name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] <= ' ' || name.p[i] > '~')
			return false;
	}
	return true;
}

static bool prompt_read_terms(struct reading *r, struct prompt_terms *t,
			      const Tandem__Call__Prompts *in)
{
	if (in->times > PROMPT_TIMES_MAX || in->max > PROMPT_DIGITS_MAX || in->min > in->max ||
	    in->tries > PROMPT_TRIES_MAX || in->first_ms > PROMPT_WAIT_MAX_MS ||
	    in->inter_ms > PROMPT_WAIT_MAX_MS)
		return reading_wrong(r, "acts: terms");
	t->times = (uint8_t)in->times;
	t->interruptible = in->interruptible;
	t->min = (uint8_t)in->min;
	t->max = (uint8_t)in->max;
	t->first_ms = in->first_ms;
	t->inter_ms = in->inter_ms;
	t->tries = (uint8_t)in->tries;
	t->message_max_ms = in->message_max_ms;
	t->message_silence_ms = in->message_silence_ms;
	t->message_min_ms = in->message_min_ms;
	if (in->tag.len && (!call_tag_is_good(reading_slice(&in->tag)) ||
			    bytes_cstr(reading_slice(&in->tag), t->tag, sizeof(t->tag))))
		return reading_wrong(r, "acts: tag");
	if (!mailbox_is_good(reading_slice(&in->mailbox)) ||
	    bytes_cstr(reading_slice(&in->mailbox), t->mailbox, sizeof(t->mailbox)))
		return reading_wrong(r, "acts: mailbox");
	return prompt_read_digits(r, t->ends, &in->ends) && read_files(r, t, in);
}

/* What is recorded of it is in the recordings of the call. */
static bool read_message(struct reading *r, struct prompts *a, const Tandem__Call__Prompts *in)
{
	bool records = a->list[a->at].kind == PROMPT_RECORD;

	if (in->message_max_ms > PROMPT_MESSAGE_MAX_MS ||
	    (in->message_max_ms && (in->max || in->leg)) ||
	    in->message_silence_ms > PROMPT_SILENCE_MAX_MS ||
	    in->message_min_ms > PROMPT_MESSAGE_MAX_MS || in->recording > RECORDING_NUMBER_MAX ||
	    in->closing > PROMPT_OUTCOMES || ((in->recording || in->closing) && !records))
		return reading_wrong(r, "acts: message");
	a->recording = (uint8_t)in->recording;
	a->closing = (uint8_t)in->closing;
	a->message_ms =
		in->message_ms < PROMPT_MESSAGE_MAX_MS ? in->message_ms : PROMPT_MESSAGE_MAX_MS;
	return true;
}

bool reading_prompts(struct reading *r, const Tandem__Call__Prompts *in)
{
	struct prompts *a;

	if (!in)
		return true;
	a = r->c->prompts = calloc(1, sizeof(*a));
	if (!a)
		return reading_wrong(r, "out of memory");
	if (!prompt_read_terms(r, &a->terms, in) || !read_steps(r, a, in) ||
	    !prompt_read_digits(r, a->digits, &in->digits) || !read_message(r, a, in))
		return false;
	a->digit_count = (uint8_t)strlen(a->digits);
	if (in->file >= PROMPT_FILES_MAX || (in->file && in->file >= a->terms.file_count) ||
	    in->time > PROMPT_TIMES_MAX || (a->terms.max && a->digit_count >= a->terms.max) ||
	    a->digit_count >= PROMPT_DIGITS_MAX || in->place_ms > PROMPT_PLACE_MAX_MS ||
	    in->tried > in->tries || in->leg > LEGS_MAX || (in->leg && a->terms.max))
		return reading_wrong(r, "acts: place");
	a->file = (uint8_t)in->file;
	a->time = (uint8_t)in->time;
	a->order = in->order;
	a->place_ms = in->place_ms;
	a->since_utc_ms = reading_time(r, in->since_utc_ms);
	a->paused = in->paused;
	a->tried = (uint8_t)in->tried;
	a->both = in->both && in->leg;
	a->leg = in->leg ? (uint8_t)(in->leg - 1) : LEG_NONE;
	a->until_ns = reading_deadline(r, in->until_utc_ms, PROMPT_WAIT_MAX_MS);
	return a->list[a->at].kind == PROMPT_PLAY || a->until_ns || reading_wrong(r, "acts: until");
}
