/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/session.h"

#include <errno.h>
#include <string.h>

#include "media/offer/crypto.h"
#include "media/offer/line.h"
#include "media/offer/opaque.h"
#include "media/offer/session_formats.h"
#include "media/offer/session_group.h"

struct reading {
	const struct sdp *remote, *local;
	bool we_offered;
};

static const struct sdp *session_offer_of(const struct reading *k)
{
	return k->we_offered ? k->local : k->remote;
}

static const struct sdp *answer_of(const struct reading *k)
{
	return k->we_offered ? k->remote : k->local;
}

static int session_malformed(struct offer_error *error, uint16_t number, const char *reason)
{
	*error = (struct offer_error){ .status = 400, .line = number, .reason = reason };
	return -EBADMSG;
}

static struct bytes media_of(const struct sdp *s, uint8_t index)
{
	return sdp_slice(s, s->sections[index + 1].kind);
}

static struct bytes proto_of(const struct sdp *s, uint8_t index)
{
	return sdp_slice(s, s->sections[index + 1].proto);
}

/* RFC 5763 5: the answerer chooses, so that actpass is no answer. */
static enum media_dtls_role answered_role(const struct offer_line *answer)
{
	switch (answer->transport.setup) {
	case OFFER_SETUP_ACTIVE:
		return DTLS_SERVER;
	case OFFER_SETUP_NONE:
	case OFFER_SETUP_PASSIVE:
		return DTLS_CLIENT;
	case OFFER_SETUP_ACTPASS:
	case OFFER_SETUP_OTHER:
		break;
	}
	return DTLS_NONE;
}

/* RFC 3264 6.1; the roles of an offer are known with it. */
static const char *session_read_transport(struct session_line *line, const struct reading *k,
					  uint8_t index, const struct offer_line *remote)
{
	struct offer_profile local;

	if (!offer_profile_read(&local, proto_of(k->local, index)) ||
	    local.secure != remote->profile.secure || local.dtls != remote->profile.dtls)
		return "another transport profile than offered";
	if (!local.dtls)
		return NULL;
	if (remote->transport.fingerprint.hash == MEDIA_HASH_NONE)
		return "no a=fingerprint that can be used";
	if (k->we_offered)
		line->side.dtls = (uint8_t)answered_role(remote);
	return line->side.dtls == DTLS_NONE ? "a=setup of the answer is none" : NULL;
}

static const char *session_read_keys(struct session_line *line, const struct reading *k,
				     uint8_t index)
{
	struct media_key *ours = &line->side.key_out, *theirs = &line->side.key_in;

	return offer_crypto_agreed(session_offer_of(k), answer_of(k), index + 1U,
				   k->we_offered ? ours : theirs, k->we_offered ? theirs : ours);
}

static void read_mux(struct media_side *side, const struct sdp *local, uint8_t index)
{
	struct bytes rest;

	side->mux = side->mux && sdp_attribute(local, index + 1U, "rtcp-mux", &rest);
	if (side->mux)
		side->rtcp = side->rtp;
}

/* Formats and what is said of them are between the parties. */
static const char *agree_opaque(struct session_line *line, const struct reading *k, uint8_t index)
{
	line->media = media_of(session_offer_of(k), index);
	line->proto = proto_of(session_offer_of(k), index);
	return bytes_ieq(proto_of(k->local, index), proto_of(k->remote, index))
		       ? NULL
		       : "another transport profile than offered";
}

enum { PACKET_MS_MAX = 60 };

/* RFC 8866 6.14. Encoders of ours make no other packets. */
static void read_packet_ms(struct session_line *line, const struct sdp *remote, uint8_t index)
{
	struct bytes rest;
	uint32_t ms;

	if (line->kind == MEDIA_AUDIO && sdp_attribute(remote, index + 1U, "ptime", &rest) &&
	    !bytes_u32(bytes_trim(rest), &ms) && ms <= PACKET_MS_MAX && ms % 10 == 0)
		line->packet_ms = (uint8_t)ms;
}

/* RFC 8866 5.8, RFC 3890: the lower one of "AS:512", in kbit/s, and "TIAS:512000". */
static void read_bandwidth(struct session_line *line, const struct sdp *remote, uint8_t index)
{
	const struct sdp_section *m = &remote->sections[index + 1];
	struct bytes rest, type;
	uint32_t n;

	for (uint16_t i = m->first; line->kind == MEDIA_VIDEO && i < m->end; i++) {
		rest = sdp_slice(remote, remote->lines[i].value);
		if (remote->lines[i].type != 'b' || !bytes_cut(&rest, ':', &type) ||
		    bytes_u32(bytes_trim(rest), &n))
			continue;
		if (bytes_iis(type, "TIAS"))
			n /= 1000;
		else if (!bytes_iis(type, "AS"))
			continue;
		if (n && (!line->side.kbps || n < line->side.kbps))
			line->side.kbps = n;
	}
}

/* NULL, or why there is no agreement. */
static const char *session_agree(struct session_line *line, const struct reading *k, uint8_t index,
				 const struct offer_line *remote)
{
	const char *reason;

	line->side = remote->side;
	if (remote->kind == MEDIA_OPAQUE)
		return agree_opaque(line, k, index);
	reason = session_read_transport(line, k, index, remote);
	if (!reason &&
	    !session_formats_read(line, &remote->formats, k->local, index, k->we_offered))
		reason = "no codec in common";
	if (!reason && remote->profile.secure)
		reason = session_read_keys(line, k, index);
	if (!reason)
		read_mux(&line->side, k->local, index);
	if (!reason)
		read_packet_ms(line, k->remote, index);
	if (!reason)
		read_bandwidth(line, k->remote, index);
	return reason;
}

static void session_line_clear(struct session_line *line, enum media_kind kind)
{
	explicit_bzero(line, sizeof(*line));
	line->kind = kind;
	line->side.event_pt = PAYLOAD_NONE;
}

/* As if nothing were switched off: what we did not want has port 0 in what we said. */
static int session_read_remote(struct offer_line *out, const struct reading *k, uint8_t index,
			       struct offer_error *error)
{
	static const struct offer_policy all = { .video = true };

	*out = (struct offer_line){ .state = OFFER_LINE_OFF };
	if (index < k->remote->media_count && offer_line_read(out, k->remote, index, &all, error))
		return -EBADMSG;
	if (out->state != OFFER_LINE_OFF && index < k->local->media_count &&
	    !bytes_ieq(media_of(k->remote, index), media_of(k->local, index)))
		return session_malformed(error, k->remote->sections[index + 1].first,
					 "another media type than offered");
	out->kind = media_kind_of(media_of(session_offer_of(k), index));
	return 0;
}

static bool local_has_line(const struct reading *k, uint8_t index)
{
	return index < k->local->media_count && k->local->sections[index + 1].port;
}

static int read_line(struct session_line *line, const struct reading *k, uint8_t index,
		     struct offer_error *error)
{
	struct offer_line remote;
	const char *reason = NULL;

	if (session_read_remote(&remote, k, index, error))
		return -EBADMSG;
	session_line_clear(line, remote.kind);
	if (remote.state == OFFER_LINE_OFF || !local_has_line(k, index))
		return 0;
	if (remote.state == OFFER_LINE_RELAYED)
		reason = session_agree(line, k, index, &remote);
	if (reason) {
		offer_line_refuse(&remote, k->remote, index, reason);
		session_line_clear(line, remote.kind);
	}
	line->active = remote.state == OFFER_LINE_RELAYED;
	line->reason = remote.reason;
	line->number = remote.number;
	return 0;
}

/* Those beyond what is relayed must be well-formed, too. */
static int read_rest(const struct reading *k, uint8_t from, struct offer_error *error)
{
	struct offer_line remote;

	for (uint8_t i = from; i < k->remote->media_count; i++) {
		if (session_read_remote(&remote, k, i, error))
			return -EBADMSG;
	}
	return 0;
}

static int read_lines(struct session *out, const struct reading *k, struct offer_error *error)
{
	uint8_t count = session_offer_of(k)->media_count;
	int err = 0;

	if (answer_of(k)->media_count > count)
		return session_malformed(error, 0, "another number of m-lines than offered");
	*out = (struct session){ .we_offered = k->we_offered,
				 .line_count = count < MEDIA_LINES_MAX ? count : MEDIA_LINES_MAX };
	for (uint8_t i = 0; i < out->line_count && !err; i++)
		err = read_line(&out->line[i], k, i, error);
	if (!err)
		err = read_rest(k, out->line_count, error);
	if (err)
		explicit_bzero(out, sizeof(*out));
	else
		session_group(out, k->remote, k->local);
	return err;
}

int session_of(struct session *out, const struct sdp *remote, const struct sdp *local,
	       bool we_offered, struct offer_error *error)
{
	const struct reading k = { .remote = remote, .local = local, .we_offered = we_offered };

	return read_lines(out, &k, error);
}

int session_read(struct session *out, const struct session_texts *texts, struct offer_error *error)
{
	struct sdp remote, local;
	int err = offer_parse_own(&remote, texts->remote, error);

	if (!err)
		err = offer_parse_own(&local, texts->local, error);
	return err ? err : session_of(out, &remote, &local, texts->we_offered, error);
}
