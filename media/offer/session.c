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
	const struct sdp *heard, *said;
	bool we_offered;
};

static const struct sdp *session_offer_of(const struct reading *k)
{
	return k->we_offered ? k->said : k->heard;
}

static const struct sdp *answer_of(const struct reading *k)
{
	return k->we_offered ? k->heard : k->said;
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
					  uint8_t index, const struct offer_line *heard)
{
	struct offer_profile said;

	if (!offer_profile_read(&said, proto_of(k->said, index)) ||
	    said.secure != heard->profile.secure || said.dtls != heard->profile.dtls)
		return "another transport profile than offered";
	if (!said.dtls)
		return NULL;
	if (heard->transport.fingerprint.hash == MEDIA_HASH_NONE)
		return "no a=fingerprint that can be used";
	if (k->we_offered)
		line->side.dtls = (uint8_t)answered_role(heard);
	return line->side.dtls == DTLS_NONE ? "a=setup of the answer is none" : NULL;
}

static const char *session_read_keys(struct session_line *line, const struct reading *k,
				     uint8_t index)
{
	struct media_key *ours = &line->side.key_out, *theirs = &line->side.key_in;

	return offer_crypto_agreed(session_offer_of(k), answer_of(k), index + 1U,
				   k->we_offered ? ours : theirs, k->we_offered ? theirs : ours);
}

static void read_mux(struct media_side *side, const struct sdp *said, uint8_t index)
{
	struct bytes rest;

	side->mux = side->mux && sdp_attribute(said, index + 1U, "rtcp-mux", &rest);
	if (side->mux)
		side->rtcp = side->rtp;
}

/* Formats and what is said of them are between the parties. */
static const char *agree_opaque(struct session_line *line, const struct reading *k, uint8_t index)
{
	line->media = media_of(session_offer_of(k), index);
	line->proto = proto_of(session_offer_of(k), index);
	return bytes_ieq(proto_of(k->said, index), proto_of(k->heard, index))
		       ? NULL
		       : "another transport profile than offered";
}

enum { PACKET_MS_MAX = 60 };

/* RFC 8866 6.14. Encoders of ours make no other packets. */
static void read_packet_ms(struct session_line *line, const struct sdp *heard, uint8_t index)
{
	struct bytes rest;
	uint32_t ms;

	if (line->kind == MEDIA_AUDIO && sdp_attribute(heard, index + 1U, "ptime", &rest) &&
	    !bytes_u32(bytes_trim(rest), &ms) && ms <= PACKET_MS_MAX && ms % 10 == 0)
		line->packet_ms = (uint8_t)ms;
}

/* RFC 8866 5.8, RFC 3890: the lower one of "AS:512", in kbit/s, and "TIAS:512000". */
static void read_bandwidth(struct session_line *line, const struct sdp *heard, uint8_t index)
{
	const struct sdp_section *m = &heard->sections[index + 1];
	struct bytes rest, type;
	uint32_t n;

	for (uint16_t i = m->first; line->kind == MEDIA_VIDEO && i < m->end; i++) {
		rest = sdp_slice(heard, heard->lines[i].value);
		if (heard->lines[i].type != 'b' || !bytes_cut(&rest, ':', &type) ||
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
				 const struct offer_line *heard)
{
	const char *reason;

	line->side = heard->side;
	if (heard->kind == MEDIA_OPAQUE)
		return agree_opaque(line, k, index);
	reason = session_read_transport(line, k, index, heard);
	if (!reason && !session_formats_read(line, &heard->formats, k->said, index, k->we_offered))
		reason = "no codec in common";
	if (!reason && heard->profile.secure)
		reason = session_read_keys(line, k, index);
	if (!reason)
		read_mux(&line->side, k->said, index);
	if (!reason)
		read_packet_ms(line, k->heard, index);
	if (!reason)
		read_bandwidth(line, k->heard, index);
	return reason;
}

static void session_line_clear(struct session_line *line, enum media_kind kind)
{
	explicit_bzero(line, sizeof(*line));
	line->kind = kind;
	line->side.event_pt = PAYLOAD_NONE;
}

/* As if nothing were switched off: what we did not want has port 0 in what we said. */
static int session_read_heard(struct offer_line *out, const struct reading *k, uint8_t index,
			      struct offer_error *error)
{
	static const struct offer_policy all = { .video = true };

	*out = (struct offer_line){ .state = OFFER_LINE_OFF };
	if (index < k->heard->media_count && offer_line_read(out, k->heard, index, &all, error))
		return -EBADMSG;
	if (out->state != OFFER_LINE_OFF && index < k->said->media_count &&
	    !bytes_ieq(media_of(k->heard, index), media_of(k->said, index)))
		return session_malformed(error, k->heard->sections[index + 1].first,
					 "another media type than offered");
	out->kind = media_kind_of(media_of(session_offer_of(k), index));
	return 0;
}

static bool is_said(const struct reading *k, uint8_t index)
{
	return index < k->said->media_count && k->said->sections[index + 1].port;
}

static int read_line(struct session_line *line, const struct reading *k, uint8_t index,
		     struct offer_error *error)
{
	struct offer_line heard;
	const char *reason = NULL;

	if (session_read_heard(&heard, k, index, error))
		return -EBADMSG;
	session_line_clear(line, heard.kind);
	if (heard.state == OFFER_LINE_OFF || !is_said(k, index))
		return 0;
	if (heard.state == OFFER_LINE_RELAYED)
		reason = session_agree(line, k, index, &heard);
	if (reason) {
		offer_line_refuse(&heard, k->heard, index, reason);
		session_line_clear(line, heard.kind);
	}
	line->active = heard.state == OFFER_LINE_RELAYED;
	line->reason = heard.reason;
	line->number = heard.number;
	return 0;
}

/* Those beyond what is relayed must be well-formed, too. */
static int read_rest(const struct reading *k, uint8_t from, struct offer_error *error)
{
	struct offer_line heard;

	for (uint8_t i = from; i < k->heard->media_count; i++) {
		if (session_read_heard(&heard, k, i, error))
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
		session_group(out, k->heard, k->said);
	return err;
}

int session_of(struct session *out, const struct sdp *heard, const struct sdp *said,
	       bool we_offered, struct offer_error *error)
{
	const struct reading k = { .heard = heard, .said = said, .we_offered = we_offered };

	return read_lines(out, &k, error);
}

int session_read(struct session *out, const struct session_texts *texts, struct offer_error *error)
{
	struct sdp heard, said;
	int err = offer_parse_own(&heard, texts->heard, error);

	if (!err)
		err = offer_parse_own(&said, texts->said, error);
	return err ? err : session_of(out, &heard, &said, texts->we_offered, error);
}
