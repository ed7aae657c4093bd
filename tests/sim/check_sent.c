/* SPDX-License-Identifier: Apache-2.0 */
/* Each message of the node, before the network has it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/table.h"
#include "sig/model/recording.h"
#include "sig/shard/shard_state.h"
#include "sig/sip/id.h"
#include "tests/sim/shape.h"
#include "tests/sim/sim.h"

static struct check_dialog *dialog_of(struct sim *s, const struct sip_message *m)
{
	struct check *k = &s->check;
	struct check_dialog *d;

	for (uint32_t i = 0; i < k->dialog_count; i++) {
		d = &k->dialogs[i];
		if (bytes_is(m->call_id, d->call_id) && bytes_is(m->from.tag, d->tag))
			return d;
	}
	if (k->dialog_count == CHECK_DIALOGS_MAX)
		return NULL;
	d = &k->dialogs[k->dialog_count++];
	if (bytes_cstr(m->call_id, d->call_id, sizeof(d->call_id)) ||
	    bytes_cstr(m->from.tag, d->tag, sizeof(d->tag)))
		check_fail(s, "identifiers that are too long");
	return d;
}

/* An older request of the dialog is sent again with its branch. */
static bool is_repetition(struct check_dialog *d, const struct sip_message *m)
{
	uint32_t hash = hash_crc32c(0, m->via.branch);

	for (uint32_t i = 0; i < COUNT_OF(d->branches); i++) {
		if (d->branches[i] == hash)
			return true;
	}
	return false;
}

/* A kill took the numbers of that call. */
static bool has_lost_numbers(struct sim *s, uint64_t call)
{
	const struct seen *seen = check_seen(s, call);

	return seen && (seen->repeats || check_took(s, call));
}

struct id_tag check_now(const struct sim *s, const struct id_tag *born)
{
	const struct shard *core = node_core(s, born->call);
	struct id_tag now = *born;

	if (core)
		forward_follow(&core->elsewhere, &now);
	return now;
}

/* ... or of the one that the dialog's leg has gone to. */
static bool may_go_back(struct sim *s, struct bytes tag)
{
	struct id_tag id;

	return !id_tag_get(tag, &id) &&
	       (has_lost_numbers(s, id.call) || has_lost_numbers(s, check_now(s, &id).call));
}

static void note_cseq(struct check_dialog *d, const struct sip_message *m)
{
	if (m->method == SIP_BYE && m->cseq != d->cseq) {
		d->before_bye = d->cseq;
		d->bye = m->cseq;
	}
	d->cseq = m->cseq;
	d->branches[d->branch_count++ % COUNT_OF(d->branches)] = hash_crc32c(0, m->via.branch);
}

/* Our BYE waits for no save, and passes what does: a kill took it, and the successor knows of the other one alone. */
static bool was_passed(struct sim *s, const struct check_dialog *d, const struct sip_message *m)
{
	const struct seen *seen;
	struct id_tag id;

	if (d->cseq != d->bye || m->cseq <= d->before_bye || id_tag_get(m->from.tag, &id))
		return false;
	seen = check_seen(s, check_now(s, &id).call);
	return seen && (seen->stale || seen->weak);
}

/* RFC 3263 4.3: the last one is said again at another place of a name. */
static bool is_at_next_place(const struct check_dialog *d, const struct sip_message *m)
{
	return m->cseq == d->cseq && names_is_name(m->uri.host);
}

/* That dialog has numbers of its own. */
static bool is_to_fork(const struct sim *s, const struct sip_message *m)
{
	for (uint32_t i = 0; i < s->phones.count; i++) {
		const struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++) {
			if (p->calls[k]->forked && bytes_is(m->to.tag, p->calls[k]->tag))
				return true;
		}
	}
	return false;
}

/* RFC 3261 12.2.1.1: grows by each request but ACK and CANCEL. */
static void look_at_cseq(struct sim *s, const struct sip_message *m)
{
	struct check_dialog *d;
	struct id_tag id;

	if (m->method == SIP_ACK || m->method == SIP_CANCEL || is_to_fork(s, m))
		return;
	d = dialog_of(s, m);
	if (!d)
		return;
	if (m->cseq > d->cseq ||
	    (!is_repetition(d, m) && (was_passed(s, d, m) || is_at_next_place(d, m)))) {
		note_cseq(d, m);
		return;
	}
	if (m->method == SIP_NOTIFY && !id_tag_get(m->from.tag, &id) && check_lamp_took(s, id.call))
		return;
	if (!may_go_back(s, m->from.tag) && !is_repetition(d, m))
		check_fail(s, "CSeq %u comes after %u in " BYTES_FMT, m->cseq, d->cseq,
			   BYTES_ARG(m->call_id));
}

/* An INVITE that opens a dialog, or a 2xx to one: the record must be there. */
static void look_for_save(struct sim *s, uint64_t call, bool answer, const char *what)
{
	struct seen *seen = check_seen(s, call);

	if (node_of_call(s, call)->degraded) {
		if (seen)
			seen->excused = true;
	} else if (seen && seen->split && answer) {
		return; /* it may be the other call that knows it */
	} else if (!seen) {
		check_fail(s, "%s of call %" PRIx64 " leaves before any save", what, call);
	} else if (answer && seen->waiting && seen->cdrs == 0) {
		check_fail(s, "%s of call %" PRIx64 " leaves before a save that knows it", what,
			   call);
	} else if (seen->stored < (answer ? seen->need : 1) &&
		   seen->forgiven < (answer ? seen->need : 1)) {
		check_fail(s,
			   "%s of call %" PRIx64 " leaves before it is saved: %" PRIu64
			   " of %" PRIu64,
			   what, call, seen->stored, seen->need);
	}
	if (seen)
		seen->said = true;
}

/* Numbers are of the dialog, as it was born; the record is that of the call where its leg is. */
static void answer_leaves(struct sim *s, const struct id_tag *born, uint32_t cseq)
{
	const struct id_tag now = check_now(s, born);
	struct seen *seen = check_seen(s, born->call);

	if (seen && seen->said_cseq[born->leg] == cseq)
		return;
	look_for_save(s, now.call, true, "2xx");
	if (seen)
		seen->said_cseq[born->leg] = cseq;
	seen = check_seen(s, now.call);
	if (seen) {
		seen->open = false;
		seen->promised = seen->need;
	}
}

/* Its leg has said one before, which is in a save: another one, after a kill of who says it, is nothing new. */
static bool has_gone(const struct seen *seen, uint32_t leg)
{
	return leg >= SEEN_LEGS && seen->byes[leg].cseq && !seen->byes[leg].waits;
}

static void note_bye(struct sim *s, uint64_t call, uint32_t leg, const struct sip_message *m)
{
	struct seen *seen = check_seen(s, call);

	if (!seen || seen->cdrs || seen->byes[leg].cseq == m->cseq || has_gone(seen, leg))
		return;
	seen->byes[leg].cseq = m->cseq;
	seen->byes[leg].waits = true;
}

/* It was asked for credentials, or came too late: the next one ends the leg. */
static void bye_is_refused(struct sim *s, const struct id_tag *id, const struct sip_message *m)
{
	struct seen *seen = check_seen(s, id->call);
	struct seen_bye *b = seen ? &seen->byes[SEEN_LEGS + id->leg] : NULL;

	if (b && b->cseq == m->cseq)
		*b = (struct seen_bye){ 0 };
}

static void note_given_up(struct sim *s, const struct id_tag *id, const struct sip_message *m)
{
	struct seen *seen = check_seen(s, id->call);

	if (seen && !seen->given_up[id->leg].cseq)
		seen->given_up[id->leg] = (struct seen_bye){ .cseq = m->cseq, .waits = true };
}

/* A branch that was given up, as its phone was not reached; the phone had answered, and nobody is told that. */
static bool is_unheard_branch(const struct sim *s, const struct sip_message *m)
{
	for (uint32_t i = 0; s->links.on && i < s->phones.count; i++) {
		const struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++) {
			if (p->calls[k]->unheard && bytes_is(m->call_id, p->calls[k]->call_id))
				return true;
		}
	}
	return false;
}

/* RFC 3261 15.1.2; after it the other side asks no more. */
static void look_at_bye(struct sim *s, uint64_t call, uint32_t leg)
{
	struct seen *seen = check_seen(s, call);
	const struct seen_bye *b;

	if (!seen || seen->excused || seen->ended || seen->cdrs || seen->split)
		return;
	if (seen->byes[leg].cseq || seen->given_up[leg].cseq)
		return; /* ours crossed it: the leg was given up anyway */
	b = &seen->byes[SEEN_LEGS + leg];
	if (b->waits || seen->stored < b->need)
		check_fail(s, "200 to a BYE of call %" PRIx64 " leaves before it is saved", call);
}

static uint32_t number_of(const struct sip_message *m, const char *header)
{
	struct bytes value;
	uint32_t n;

	if (!message_header(m, header, 0, &value) ||
	    bytes_u32(bytes_sub(value, 0, bytes_find(value, ' ')), &n))
		return 0;
	return n;
}

static struct seen_rseq *rseq_of(struct seen *seen, uint64_t tag)
{
	struct seen_rseq *r;

	for (uint32_t i = 0; i < SEEN_EARLY; i++) {
		if (seen->rseqs[i].tag == tag)
			return &seen->rseqs[i];
	}
	r = &seen->rseqs[seen->rseq_next++ % SEEN_EARLY];
	*r = (struct seen_rseq){ .tag = tag };
	return r;
}

/* RFC 3262 3: in each early dialog numbers grow, also over kills, and each is one text. */
static void look_at_rseq(struct sim *s, const struct id_tag *id, const struct sip_message *m,
			 struct bytes text)
{
	struct seen *seen = check_seen(s, id->call);
	uint32_t rseq = number_of(m, "RSeq"), hash = hash_crc32c(0, text);
	struct seen_rseq *r;

	look_for_save(s, id->call, false, "a reliable response");
	if (!seen || (seen->excused && seen->crashes))
		return;
	r = rseq_of(seen, id->random);
	if (rseq < r->rseq)
		check_fail(s, "RSeq %u comes after %u", rseq, r->rseq);
	if (rseq == r->rseq && hash != r->hash)
		check_fail(s, "another response with RSeq %u", rseq);
	r->rseq = rseq;
	r->hash = hash;
}

/* What it acknowledges is saved. */
static void look_at_prack(struct sim *s, const struct id_tag *id, const struct sip_message *m)
{
	struct seen *seen = check_seen(s, id->call);
	const struct seen_bye *p = seen ? &seen->pracks[id->leg] : NULL;

	if (!p || seen->excused || node_of_call(s, id->call)->degraded ||
	    p->cseq != number_of(m, "RAck"))
		return;
	if (p->waits || (seen->stored < p->need && seen->forgiven < p->need))
		check_fail(s, "PRACK of call %" PRIx64 " leaves before it is saved", id->call);
}

static bool waits_for_answer(const struct sim *s, const struct sip_message *m)
{
	for (uint32_t i = 0; i < s->phones.count; i++) {
		const struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++) {
			const struct phone_call *c = p->calls[k];

			if (c->caller && c->state == PC_CALLING && bytes_is(m->call_id, c->call_id))
				return true;
		}
	}
	return false;
}

/* What ends a call for its caller is in the record: a successor says the same. */
static void look_at_refusal(struct sim *s, uint64_t call, const struct sip_message *m)
{
	struct seen *seen = check_seen(s, call);
	const struct store_call *record = store_find(&s->store, call);
	const struct shard *core = node_core(s, call);

	if (!core || !seen || seen->excused || node_of_call(s, call)->degraded ||
	    !waits_for_answer(s, m))
		return;
	if (!record || !shape_refuses(&core->host, text_bytes(&record->record)))
		check_fail(s, "%u of call %" PRIx64 " leaves before it is saved", m->status, call);
}

/* Its leg is of another call by now, whose record knows of it. */
static bool has_moved(const struct sim *s, const struct id_tag *id)
{
	return check_now(s, id).call != id->call;
}

static void look_at_promise(struct sim *s, const struct sip_message *m, struct bytes text)
{
	struct id_tag id;

	if (m->method == SIP_PRACK && m->request && !id_tag_get(m->from.tag, &id))
		look_at_prack(s, &id, m);
	if (m->method == SIP_INVITE && !m->request && m->status < 200 && number_of(m, "RSeq") &&
	    !id_tag_get(m->to.tag, &id))
		look_at_rseq(s, &id, m, text);
	if ((m->method == SIP_BYE || m->method == SIP_CANCEL) && m->request &&
	    !id_tag_get(m->from.tag, &id))
		note_given_up(s, &id, m);
	if (m->method == SIP_BYE && m->request && !id_tag_get(m->from.tag, &id))
		note_bye(s, id.call, id.leg, m);
	else if (m->method == SIP_BYE && m->status == 200 && !id_tag_get(m->to.tag, &id) &&
		 !has_moved(s, &id) && !is_unheard_branch(s, m))
		look_at_bye(s, id.call, id.leg);
	else if (m->method == SIP_BYE && m->status >= 300 && !id_tag_get(m->to.tag, &id))
		bye_is_refused(s, &id, m);
	if (m->method == SIP_SUBSCRIBE && !m->request)
		check_lamp_answer(s, m);
	if (m->method == SIP_NOTIFY && m->request)
		check_lamp_notify(s, m);
	if (m->method == SIP_REFER && !m->request)
		check_refer_answered(s, m);
	if (m->method != SIP_INVITE)
		return;
	if (m->request && m->to.tag.n == 0 && !id_tag_get(m->from.tag, &id)) {
		look_for_save(s, id.call, false, "INVITE");
	} else if (!m->request && m->status >= 300 && !id_tag_get(m->to.tag, &id)) {
		look_at_refusal(s, id.call, m);
	} else if (!m->request && m->status / 100 == 2 && !id_tag_get(m->to.tag, &id)) {
		answer_leaves(s, &id, m->cseq);
	}
}

static void look_at_length(struct sim *s, const struct sip_message *m, struct bytes text)
{
	const uint8_t *end = memmem(text.p, text.n, "\r\n\r\n", 4);
	struct bytes value;

	if (!end || m->body.n != text.n - (size_t)(end - text.p) - 4)
		check_fail(s, "Content-Length does not fit");
	if (!message_header(m, "Content-Length", 0, &value))
		check_fail(s, "no Content-Length");
	if (m->request && m->method == SIP_BYE && m->to.tag.n == 0)
		check_fail(s, "a BYE without a To tag");
	if (m->request && m->max_forwards < 0)
		check_fail(s, "no Max-Forwards");
}

bool check_sent(struct sim *s, const struct node_shard *shard, const struct addr *to,
		struct bytes text)
{
	struct message_error error;
	struct sip_message m;
	char name[16];
	bool goes;

	trace_message(s, "node", phone_name(s, to, name), text);
	if (shard && shard->fenced)
		check_fail(s, "a node that has lost its shard speaks");
	if (message_parse(&m, text, &error)) {
		message_close(&m);
		check_fail(s, "the node says what nobody can read: %s", error.reason);
		return true;
	}
	look_at_length(s, &m, text);
	if (m.request)
		look_at_cseq(s, &m);
	look_at_promise(s, &m, text);
	goes = !(s->sabotage == SABOTAGE_MUTE_BYE && m.request && m.method == SIP_BYE);
	message_close(&m);
	return goes;
}

/* The node took its branch back: the answer was of no use, and the next one counts. */
static bool is_given_up(const struct seen *seen)
{
	return seen->given_up[seen->open_leg].cseq || seen->byes[seen->open_leg].cseq;
}

/* The node has answered by itself meanwhile: for a room, that was asked for last. */
static bool is_answered(struct sim *s, uint64_t call)
{
	const struct shard *core = node_core(s, call);
	struct call_view view;

	return core && shard_call_glance(core, call, &view) && view.state == CALL_ANSWERING;
}

/* The first one counts: other branches of a fork come too late. */
static void note_answer(struct sim *s, const struct id_tag *born, uint32_t cseq)
{
	struct seen *seen = check_seen(s, born->call);

	if (!seen || seen->answer_cseq[born->leg] == cseq)
		return;
	if (seen->given_up[born->leg].cseq == cseq) /* the call had gone on, into a room */
		return;
	seen->answer_cseq[born->leg] = cseq;
	seen = check_seen(s, check_now(s, born).call);
	if (!seen || (seen->open && !is_given_up(seen)) || is_answered(s, seen->call))
		return;
	seen->open = seen->waiting = true;
	seen->open_leg = (uint8_t)born->leg;
}

void check_answers(struct sim *s, uint64_t call)
{
	struct seen *seen = check_seen(s, call);

	if (!seen)
		return;
	/* who is up hears nothing of it */
	if (!seen->by_node && !seen->given && !seen->answer_cseq[0])
		seen->open = seen->waiting = true;
	seen->by_node = true;
}

static void note_reliable(struct seen *seen, uint32_t leg, uint32_t rseq)
{
	if (!seen || rseq <= seen->pracks[leg].cseq) /* a late copy is nothing new */
		return;
	seen->pracks[leg] = (struct seen_bye){ .cseq = rseq, .waits = true };
}

/* Nothing of it is promised, and no save is waited for (docs/adr/0045). */
static bool is_of_recorder(const struct sip_message *m)
{
	struct id_tag id;

	return !id_tag_get(m->request ? m->to.tag : m->from.tag, &id) && id.leg == LEG_OF_MODULE;
}

/* A 2xx to the node: the next save knows it. */
void check_received(struct sim *s, struct bytes text)
{
	struct message_error error;
	struct sip_message m;
	struct id_tag id;

	if (!bytes_starts(text, "SIP/2.0 2") && !bytes_starts(text, "SIP/2.0 18") &&
	    !bytes_starts(text, "BYE ") && !bytes_starts(text, "REFER "))
		return;
	if (message_parse(&m, text, &error)) {
		message_close(&m);
		return;
	}
	if (is_of_recorder(&m)) {
		message_close(&m);
		return;
	}
	if (m.request && m.method == SIP_REFER)
		check_refer_came(s, &m);
	else if (m.request && !id_tag_get(m.to.tag, &id))
		note_bye(s, id.call, SEEN_LEGS + id.leg, &m);
	if (!m.request && m.status < 200 && !id_tag_get(m.from.tag, &id))
		note_reliable(check_seen(s, id.call), id.leg, number_of(&m, "RSeq"));
	else if (!m.request && m.method == SIP_INVITE && !id_tag_get(m.from.tag, &id)) {
		note_answer(s, &id, m.cseq);
		check_far(s, &m);
	}
	message_close(&m);
}
