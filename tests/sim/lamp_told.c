/* SPDX-License-Identifier: Apache-2.0 */
/* What a lamp is told: documents, in their order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sig/sip/id.h"
#include "tests/sim/sim.h"

/* What is between the two; false: it is not there. */
static bool cut(struct bytes *rest, const char *begin, const char *end, struct bytes *out)
{
	const uint8_t *at = rest->n ? memmem(rest->p, rest->n, begin, strlen(begin)) : NULL;
	const uint8_t *to;

	if (!at)
		return false;
	*rest = bytes_from(*rest, (size_t)(at - rest->p) + strlen(begin));
	to = memmem(rest->p, rest->n, end, strlen(end));
	if (!to)
		return false;
	*out = bytes_sub(*rest, 0, (size_t)(to - rest->p));
	*rest = bytes_from(*rest, (size_t)(to - rest->p));
	return true;
}

static struct lamp_dialog *dialog_of(struct blf_watch *l, struct bytes id)
{
	for (uint32_t i = 0; i < l->dialog_count; i++) {
		if (bytes_is(id, l->dialogs[i].id))
			return &l->dialogs[i];
	}
	for (uint32_t i = 0; i < l->dialog_count; i++) { /* what is over makes room */
		if (l->dialogs[i].over)
			return &l->dialogs[i];
	}
	return l->dialog_count == LAMP_DIALOGS ? NULL : &l->dialogs[l->dialog_count++];
}

static void learn_dialogs(struct sim *s, struct blf_watch *l, struct bytes body)
{
	struct bytes one, id, state;

	while (cut(&body, "<dialog ", "</dialog>", &one)) {
		struct lamp_dialog *d;

		if (!cut(&one, "id=\"", "\"", &id) || !cut(&one, "<state>", "</state>", &state)) {
			check_fail(s, "%s: a dialog without a state", l->dialog.call_id);
			return;
		}
		d = dialog_of(l, id);
		if (!d || bytes_cstr(id, d->id, sizeof(d->id))) {
			check_fail(s, "%s: too many dialogs", l->dialog.call_id);
			return;
		}
		d->over = bytes_is(state, "terminated");
		d->confirmed = bytes_is(state, "confirmed");
	}
}

static void learn_version(struct sim *s, struct blf_watch *l, uint32_t version, bool whole,
			  bool first)
{
	if (!first && version <= l->version && !check_lamp_took(s, l->id))
		check_fail(s, "%s: version %u comes after %u", l->dialog.call_id, version,
			   l->version);
	if (!whole && (first || version != l->version + 1))
		check_fail(s, "%s: a part of version %u, of %u", l->dialog.call_id, version,
			   l->version);
	l->version = version;
	if (whole)
		l->dialog_count = 0;
}

/* Of a list: all of its dialogs are of one user, and the state of that is whole. */
static void learn_list(struct sim *s, struct blf_watch *l, struct bytes body, bool first)
{
	struct bytes rest = body, value = { 0 }, state = { 0 }, info = { 0 };
	uint32_t version = 0;

	if (!cut(&rest, "<list xmlns=", ">", &value) || !cut(&value, "version=\"", "\"", &info) ||
	    bytes_u32(info, &version) || !cut(&value, "fullState=\"", "\"", &state)) {
		check_fail(s, "%s: no list", l->dialog.call_id);
		return;
	}
	learn_version(s, l, version, bytes_is(state, "true"), first);
	if (cut(&rest, "<dialog-info ", "</dialog-info>", &info)) {
		l->dialog_count = 0;
		learn_dialogs(s, l, info);
	}
}

static void learn(struct sim *s, struct blf_watch *l, struct bytes body, bool first)
{
	struct bytes rest = body, value = { 0 }, state = { 0 };
	uint32_t version = 0;

	if (!cut(&rest, "version=\"1.0\"", "?>", &value) ||
	    !cut(&rest, "version=\"", "\"", &value) || bytes_u32(value, &version) ||
	    !cut(&rest, "state=\"", "\"", &state)) {
		check_fail(s, "%s: no dialog-info", l->dialog.call_id);
		return;
	}
	learn_version(s, l, version, bytes_is(state, "full"), first);
	learn_dialogs(s, l, rest);
}

static bool is_last(const struct sip_message *m)
{
	struct bytes value = { 0 };

	return message_header(m, "Subscription-State", 0, &value) &&
	       bytes_starts(value, "terminated");
}

static void learn_standing(struct sim *s, struct blf_watch *l, const struct sip_message *m)
{
	struct bytes value = { 0 };
	struct bytes rest;

	if (!is_last(m))
		return;
	(void)message_header(m, "Subscription-State", 0, &value);
	rest = bytes_from(value, bytes_find(value, '='));
	(void)bytes_cstr(bytes_sub(rest, 1, bytes_find(bytes_from(rest, 1), ';')), l->reason,
			 sizeof(l->reason));
	trace_line(s, "%s is over: %s", l->dialog.call_id, l->reason);
	l->state = LAMP_OVER;
	l->until_ns = s->now_ns;
	l->serial++;
}

/* The dialog may begin with it (RFC 6665 4.1.2.4). */
static bool is_its_dialog(struct sim *s, struct blf_watch *l, const struct sip_message *m)
{
	struct id_tag id;

	if (l->dialog.remote_tag[0])
		return bytes_is(m->from.tag, l->dialog.remote_tag);
	if (bytes_cstr(m->from.tag, l->dialog.remote_tag, sizeof(l->dialog.remote_tag)) ||
	    id_tag_get(m->from.tag, &id))
		check_fail(s, "%s: no tag", l->dialog.call_id);
	else
		l->id = id.call;
	return true;
}

uint16_t blf_watch_told(struct sim *s, struct blf_watch *l, const struct sip_message *m)
{
	bool first = l->heard == 0;

	if (l->state == LAMP_OVER || !is_its_dialog(s, l, m)) {
		l->silent = false;
		return 481;
	}
	if (m->cseq <= l->heard)
		return 500;           /* RFC 3261 12.2.2 */
	if (l->left && !is_last(m)) { /* a kill took that it had left */
		lamp_forget(l);
		return 481;
	}
	l->heard = m->cseq;
	s->totals.told++;
	if (m->body.n && l->list)
		learn_list(s, l, m->body, first);
	else if (m->body.n)
		learn(s, l, m->body, first);
	learn_standing(s, l, m);
	return 200;
}

bool lamp_is_lit(const struct blf_watch *l)
{
	for (uint32_t i = 0; i < l->dialog_count; i++) {
		if (l->dialogs[i].confirmed)
			return true;
	}
	return false;
}

bool lamp_is_dark(const struct blf_watch *l)
{
	for (uint32_t i = 0; i < l->dialog_count; i++) {
		if (!l->dialogs[i].over)
			return false;
	}
	return true;
}
