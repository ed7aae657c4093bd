/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/subscription/remote_news.h"

#include <errno.h>
#include <string.h>

#include "sig/host/tenant.h"
#include "sig/remote.pb-c.h"

typedef Tandem__Remote__News pb_news;
typedef Tandem__Remote__User pb_user;
typedef Tandem__Remote__Dialog pb_remote_dialog;

/* What a message points at while it is packed. */
struct packed_news {
	pb_news news;
	pb_user user, *users[1];
	pb_remote_dialog dialogs[DIALOG_STATES_MAX], *list[DIALOG_STATES_MAX];
	char tenant[TENANT_NAME_MAX];
};

/* ---- written ---- */

static ProtobufCBinaryData news_lend(struct bytes b)
{
	return (ProtobufCBinaryData){ .len = b.n, .data = (uint8_t *)(uintptr_t)b.p };
}

static void dialog_pack(pb_remote_dialog *out, const struct dialog_state *d)
{
	bool named = d->call_id.n;

	tandem__remote__dialog__init(out);
	out->id = d->id;
	out->phase = (uint32_t)d->phase;
	out->recipient = d->recipient;
	out->held = d->held;
	out->call_id = news_lend(d->call_id);
	out->tag = news_lend(d->tag);
	out->remote_tag =
		news_lend(bytes_mem(d->remote_tag.text, named ? sizeof(d->remote_tag.text) : 0));
	out->local = news_lend(d->local);
	out->remote = news_lend(d->remote);
}

static void news_pack(struct packed_news *p, const struct remote_user *u)
{
	tandem__remote__news__init(&p->news);
	tandem__remote__user__init(&p->user);
	p->users[0] = &p->user;
	p->news.users = p->users;
	p->news.n_users = 1;
	p->user.tenant = p->tenant;
	p->user.user = news_lend(u->user);
	p->user.asks = u->asks;
	p->user.dialogs = p->list;
	p->user.n_dialogs = u->count;
	for (uint32_t i = 0; i < u->count; i++) {
		dialog_pack(&p->dialogs[i], &u->dialogs[i]);
		p->list[i] = &p->dialogs[i];
	}
}

void remote_news_add(struct writer *w, const struct remote_user *u)
{
	struct packed_news p;
	uint8_t *to;

	if (bytes_cstr(u->tenant, p.tenant, sizeof(p.tenant))) {
		w->overflow = true;
		return;
	}
	news_pack(&p, u);
	while (p.user.n_dialogs && tandem__remote__news__get_packed_size(&p.news) > w->cap - w->n)
		p.user.n_dialogs--;
	to = writer_room(w, tandem__remote__news__get_packed_size(&p.news));
	if (to)
		(void)tandem__remote__news__pack(&p.news, to);
}

/* ---- read ---- */

static bool news_line(struct bytes *out, const ProtobufCBinaryData *in, size_t max)
{
	*out = bytes_mem(in->data, in->len);
	for (size_t i = 0; i < in->len && in->len <= max; i++) {
		if ((in->data[i] < ' ' && in->data[i] != '\t') || in->data[i] == 0x7f)
			return false;
	}
	return in->len <= max;
}

static bool dialog_unpack(struct dialog_state *out, const pb_remote_dialog *in)
{
	struct bytes tag;

	*out = (struct dialog_state){ .id = in->id,
				      .phase = (enum dialog_phase)in->phase,
				      .recipient = in->recipient,
				      .held = in->held };
	if (!in->id || in->phase >= PHASE_TERMINATED ||
	    in->remote_tag.len != (in->call_id.len ? sizeof(out->remote_tag.text) : 0))
		return false;
	if (!news_line(&tag, &in->remote_tag, sizeof(out->remote_tag.text)))
		return false;
	if (tag.n)
		memcpy(out->remote_tag.text, tag.p, tag.n);
	return news_line(&out->call_id, &in->call_id, DIALOG_TEXT_MAX) &&
	       news_line(&out->tag, &in->tag, DIALOG_TEXT_MAX) &&
	       news_line(&out->local, &in->local, DIALOG_TEXT_MAX) &&
	       news_line(&out->remote, &in->remote, DIALOG_TEXT_MAX);
}

static bool user_unpack(struct remote_user *out, const pb_user *in)
{
	*out = (struct remote_user){ .tenant = bytes_str(in->tenant), .asks = in->asks };
	if (!out->tenant.n || out->tenant.n >= TENANT_NAME_MAX || !in->user.len ||
	    !news_line(&out->user, &in->user, REMOTE_USER_MAX) ||
	    in->n_dialogs > DIALOG_STATES_MAX || (in->asks && in->n_dialogs))
		return false;
	for (; out->count < in->n_dialogs; out->count++) {
		if (!dialog_unpack(&out->dialogs[out->count], in->dialogs[out->count]))
			return false;
	}
	return true;
}

static bool news_are_good(const pb_news *in)
{
	struct remote_user u;

	for (size_t i = 0; i < in->n_users; i++) {
		if (!user_unpack(&u, in->users[i]))
			return false;
	}
	return true;
}

int remote_news_read(struct bytes news, void (*each)(const struct remote_user *u, void *arg),
		     void *arg)
{
	pb_news *in = tandem__remote__news__unpack(NULL, news.n, news.p);
	bool good = in && news_are_good(in);
	struct remote_user u;

	for (size_t i = 0; good && i < in->n_users; i++) {
		if (user_unpack(&u, in->users[i]))
			each(&u, arg);
	}
	if (in)
		tandem__remote__news__free_unpacked(in, NULL);
	return good ? 0 : -EBADMSG;
}
