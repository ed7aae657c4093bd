/* SPDX-License-Identifier: Apache-2.0 */
/* application/dialog-info+xml (RFC 4235 4). */
#include "sig/host/host.h"
#include "sig/sip/xml.h"
#include "sig/subscription/package.h"

/* Of a document, so that it always fits: names are the parties' own, and escaped they are six times as long. */
enum { HEAD_MAX = 1024, DIALOG_MAX = 1792, OVER_MAX = 128 };
static_assert(HEAD_MAX + DIALOG_STATES_MAX * (DIALOG_MAX + OVER_MAX) <= HOST_SDP_MAX, "all fit");

static const char *phase_name(enum dialog_phase phase)
{
	switch (phase) {
	case PHASE_TRYING:
		return "trying";
	case PHASE_EARLY:
		return "early";
	case PHASE_CONFIRMED:
		return "confirmed";
	case PHASE_TERMINATED:
		return "terminated";
	}
	return "";
}

static void info_attribute(struct writer *w, const char *name, struct bytes value)
{
	if (!value.n)
		return;
	WRITER_TEXTS(w, " ", name, "=\"");
	xml_write(w, value);
	writer_str(w, "\"");
}

static void info_open(struct writer *w, uint64_t id, bool recipient)
{
	char text[BASE32_U64_LEN];

	base32_u64_put(text, id);
	writer_str(w, "<dialog");
	info_attribute(w, "id", bytes_mem(text, sizeof(text)));
	info_attribute(w, "direction", bytes_str(recipient ? "recipient" : "initiator"));
}

static void info_end(struct writer *w)
{
	writer_str(w, "</dialog>\r\n");
}

static void info_phase(struct writer *w, enum dialog_phase phase)
{
	WRITER_TEXTS(w, "<state>", phase_name(phase), "</state>");
}

/* RFC 4235 4.1.6: who it is, and where it is reached. */
static void info_party(struct writer *w, const char *role, struct bytes name_addr, bool held)
{
	struct sip_name_addr a;

	if (sip_name_addr_parse(&a, name_addr))
		return;
	WRITER_TEXTS(w, "<", role, "><identity");
	info_attribute(w, "display", a.display);
	writer_str(w, ">");
	package_write_uri(w, &a.uri);
	writer_str(w, "</identity><target uri=\"");
	package_write_uri(w, &a.uri);
	if (held) /* RFC 4235 4.1.6.2, RFC 3840: it is no place where a call is heard */
		writer_str(w, "\"><param pname=\"+sip.rendering\" pvalue=\"no\"/></target></");
	else
		writer_str(w, "\"/></");
	WRITER_TEXTS(w, role, ">");
}

static void info_dialog(struct writer *w, const struct dialog_state *d, bool hidden)
{
	info_open(w, d->id, d->recipient);
	if (!hidden && d->call_id.n) { /* by which others may step into its place (RFC 3891) */
		info_attribute(w, "call-id", d->call_id);
		/* phones take no call that rings without one; "0" is the tag of who has none (RFC 3891 6.1) */
		info_attribute(w, "local-tag", d->tag.n ? d->tag : BYTES_LIT("0"));
		info_attribute(w, "remote-tag",
			       bytes_mem(d->remote_tag.text, sizeof(d->remote_tag.text)));
	}
	writer_str(w, ">");
	info_phase(w, d->phase);
	if (!hidden) {
		info_party(w, "local", d->local, d->held);
		info_party(w, "remote", d->remote, false);
	}
	info_end(w);
}

/* A name that is too long is no reason to tell nothing: the lamp is lit, and nobody is named. */
static void info_bounded(struct writer *w, const struct package_state *state,
			 const struct dialog_state *d)
{
	const struct writer before = *w;

	info_dialog(w, d, state->hidden);
	if (!w->overflow && w->n - before.n <= DIALOG_MAX)
		return;
	*w = before;
	info_dialog(w, d, true);
}

static const struct package_told *told_of(const struct package_state *state, uint64_t id)
{
	for (uint32_t i = 0; i < state->told_count; i++) {
		if (state->told[i].id == id)
			return &state->told[i];
	}
	return NULL;
}

static bool is_told(const struct package_state *state, const struct dialog_state *d)
{
	const struct package_told *t = told_of(state, d->id);

	return t && t->phase == d->phase && t->held == d->held;
}

static bool info_is_there(const struct package_state *state, uint64_t id)
{
	for (uint32_t i = 0; i < state->dialog_count; i++) {
		if (state->dialogs[i].id == id)
			return true;
	}
	return false;
}

/* Also where all is told: who knows the whole need not be told what is over. But phones look for the word. */
static void info_write_over(struct writer *w, const struct package_state *state)
{
	for (uint32_t i = 0; i < state->told_count; i++) {
		const struct package_told *t = &state->told[i];

		if (info_is_there(state, t->id))
			continue;
		info_open(w, t->id, t->recipient);
		writer_str(w, ">");
		info_phase(w, PHASE_TERMINATED);
		info_end(w);
	}
}

void dialog_info_write(struct writer *w, const struct package_state *state)
{
	writer_str(w, "<?xml version=\"1.0\"?>\r\n"
		      "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"");
	writer_u64(w, state->version);
	WRITER_TEXTS(w, "\" state=\"", state->whole ? "full" : "partial", "\" entity=\"");
	package_write_uri(w, &state->entity);
	writer_str(w, "\">\r\n");
	for (uint32_t i = 0; i < state->dialog_count; i++) {
		if (state->whole || !is_told(state, &state->dialogs[i]))
			info_bounded(w, state, &state->dialogs[i]);
	}
	info_write_over(w, state);
	writer_str(w, "</dialog-info>\r\n");
}
