/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON that a web page gets of its user and of the users he watches: all of them at first, then
 * each one with a changed state. */
#include "base/json.h"
#include "sig/host/settings.h"
#include "sig/subscription/list.h"

enum {
	STATE_MAX = 12288, /* octets of one message */
	STATE_TAIL = 32,
	NAME_MAX_SHOWN = 256,
	USER_MAX = 6144, /* a user with more calls is sent without their other parties */
};

static void shown_text(struct writer *w, const char *name, struct bytes text)
{
	WRITER_TEXTS(w, ",\"", name, "\":");
	json_write_text(w, text);
}

static void shown_flag(struct writer *w, const char *name, bool value)
{
	WRITER_TEXTS(w, ",\"", name, value ? "\":true" : "\":false");
}

/* own: a call of the user himself has its id, for commands. */
static void shown_call(struct writer *w, const struct dialog_state *d, bool own, bool hidden)
{
	struct sip_name_addr remote;
	struct id_tag tag;
	char id[ID_TEXT_LEN], name[NAME_MAX_SHOWN];

	WRITER_TEXTS(w, "{\"state\":\"", d->parked ? "parked" : dialog_phase_name(d->phase),
		     "\",\"direction\":\"", d->recipient ? "in\"" : "out\"");
	shown_flag(w, "held", d->held);
	shown_flag(w, "conference", d->conference);
	if (!hidden && !sip_name_addr_parse(&remote, d->remote)) {
		shown_text(w, "remote", remote.uri.user);
		shown_text(w, "remote_name",
			   sip_display_unescape(remote.display, name, sizeof(name)));
	}
	if (own && !id_tag_get(bytes_mem(d->remote_tag.text, sizeof(d->remote_tag.text)), &tag)) {
		id_call_put(id, tag.call);
		shown_text(w, "call", bytes_mem(id, sizeof(id)));
	}
	if (!hidden && d->parked)
		shown_text(w, "slot", d->call_id);
	writer_str(w, "}");
}

static void shown_settings(struct writer *w, const struct shard_forward *f)
{
	shown_flag(w, "do_not_disturb", f && f->do_not_disturb);
	shown_flag(w, "smart_do_not_disturb", f && f->smart_do_not_disturb);
	shown_text(w, "forward_always", bytes_str(f ? f->always : ""));
	shown_text(w, "forward_busy", bytes_str(f ? f->busy : ""));
	shown_text(w, "forward_no_answer", bytes_str(f ? f->no_answer : ""));
	shown_text(w, "forward_unreachable", bytes_str(f ? f->unreachable : ""));
}

static bool shown_may(enum watch_verdict verdict)
{
	return verdict == WATCH_OK || verdict == WATCH_HIDDEN;
}

/* brief: without other parties. */
static void shown_user(struct subscriptions *s, const struct subscription *sub, struct bytes user,
		       bool brief, struct writer *w)
{
	struct subscription one = { .tenant = sub->tenant,
				    .page = sub->page,
				    .package = &dialog_package,
				    .watcher = sub->watcher,
				    .resource = { .p = (char *)(uintptr_t)user.p,
						  .n = (uint32_t)user.n } };
	enum watch_verdict verdict = s->view.may(s->view.owner, &one);
	bool own = bytes_eq(user, text_bytes(&sub->watcher));
	struct dialog_state dialogs[DIALOG_STATES_MAX];
	uint32_t count;

	writer_str(w, "{\"user\":");
	json_write_text(w, user);
	if (!shown_may(verdict)) {
		WRITER_TEXTS(w, ",\"ended\":\"",
			     subscription_ending_name(verdict == WATCH_REJECTED
							      ? ENDING_REJECTED
							      : ENDING_NORESOURCE),
			     "\"}");
		return;
	}
	brief |= verdict == WATCH_HIDDEN;
	count = s->view.dialogs(s->view.owner, &user_package, sub->tenant, user, dialogs);
	for (const struct feature *f = s->host->features; f->name; f++) {
		const struct package_state state = { .all = s,
						     .of = &one,
						     .hidden = verdict == WATCH_HIDDEN,
						     .dialogs = dialogs,
						     .dialog_count = count };

		one.package = f->package;
		if (f->package && f->package->show && shown_may(s->view.may(s->view.owner, &one)))
			f->package->show(w, &state);
	}
	if (own)
		shown_settings(w, s->host->services->directory->forward(s->host->owner, sub->tenant,
									user));
	writer_str(w, ",\"calls\":[");
	for (uint32_t i = 0; i < count; i++) {
		writer_str(w, i ? "," : "");
		shown_call(w, &dialogs[i], own, brief);
	}
	writer_str(w, "]}");
}

/* Writes a user if the user's state is to be sent again. Returns false if it does not fit. */
static bool shown_resource(struct subscriptions *s, const struct subscription *sub,
			   struct list_resource *r, bool first, struct writer *w)
{
	static const struct hash_key key;
	const struct writer before = *w;
	size_t from = w->n + !first;
	uint32_t told;

	writer_str(w, first ? "" : ",");
	shown_user(s, sub, list_user(r), false, w);
	if (w->overflow || w->n - from > USER_MAX) {
		*w = before;
		writer_str(w, first ? "" : ",");
		shown_user(s, sub, list_user(r), true, w);
	}
	told = (uint32_t)hash_sip(&key, bytes_mem(w->p + from, w->n - from)) | 1;
	r->changed = w->overflow || w->n > STATE_MAX - STATE_TAIL;
	if (r->changed || told == r->told) {
		*w = before;
		return !r->changed;
	}
	r->told = told;
	return true;
}

/* *more: not all went into it. False: there is nothing new. */
static bool shown_users(struct subscriptions *s, struct subscription *sub, struct writer *w,
			bool *more)
{
	struct subscription_list *list = sub->list;
	size_t empty;

	writer_str(w, "{\"type\":\"user.state\",\"number\":");
	json_write_text(w, text_bytes(&sub->watcher));
	WRITER_TEXTS(w, sub->whole ? ",\"whole\":true" : ",\"whole\":false", ",\"users\":[");
	empty = w->n;
	for (uint32_t i = 0; i < list->count; i++) {
		struct list_resource *r = &list->resources[i];

		if (sub->whole) {
			r->changed = true;
			r->told = 0;
		}
		if (r->changed && !*more)
			*more = !shown_resource(s, sub, r, w->n == empty, w);
	}
	WRITER_TEXTS(w, *more ? "],\"more\":true}" : "],\"more\":false}");
	return sub->whole || w->n > empty + sizeof("],\"more\":false}") - 1;
}

void user_watch_notify(struct subscriptions *s, struct subscription *sub)
{
	struct request_user *to;
	struct writer w = writer_over(s->host->sdp, STATE_MAX);
	bool more = false;

	if (sub->ending) { /* its page asks again, and begins anew */
		subscription_remove(s, sub);
		return;
	}
	if (!sub->changed || sub->waits || (sub->pace_ns && !sub->whole))
		return;
	if (!shown_users(s, sub, &w, &more)) {
		sub->changed = false;
		return;
	}
	sub->dialog.local_cseq++;
	to = effects_request(s->host->effects, EFFECT_USER, sub->id, 0,
			     EFFECT_TEXTS(writer_done(&w)));
	if (to) { /* else the page asks for all */
		to->page = sub->page;
		to->number = (uint32_t)sub->dialog.local_cseq;
	}
	sub->waits = true;
	sub->whole = false;
	sub->changed = more;
	sub->pace_ns = s->host->now.ns + s->host->settings->calls.list_pace_ns;
	subscription_aim(s, sub);
}
