/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/phone_sdp.h"
#include "sig/sip/body.h"

#include <stdio.h>
#include <string.h>

#include "base/table.h"
#include "tests/sim/sim.h"

static const char *const lists[] = { "8 0 101", "0 8 101", "8 101", "0 8" };

static const char *direction(bool sends, bool receives)
{
	if (sends)
		return receives ? "sendrecv" : "sendonly";
	return receives ? "recvonly" : "inactive";
}

static const char *write_plain(const struct phone_call *c, const char *types, const char *dir,
			       char out[PHONE_SDP_MAX])
{
	const struct phone_sdp *d = &c->sdp;
	char ip[ADDR_TEXT_MAX], crypto[128] = "", video[128] = "";
	struct addr a = c->phone->addr;
	unsigned family = a.family == ADDR_V6 ? 6 : 4;

	a.port = 0;
	(void)addr_text(&a, ip);
	if (d->secret)
		(void)snprintf(crypto, sizeof(crypto), "a=crypto:%s inline:%s\r\n", d->crypto,
			       d->key);
	if (d->video)
		(void)snprintf(video, sizeof(video),
			       "m=video %u RTP/%s 96\r\na=rtpmap:96 H264/90000\r\na=%s\r\n",
			       d->video_port, d->video_secret ? "SAVP" : "AVP", dir);
	(void)snprintf(out, PHONE_SDP_MAX,
		       "v=0\r\no=- %u %u IN IP%u %s\r\ns=-\r\nc=IN IP%u %s\r\nt=0 0\r\n"
		       "m=audio %u RTP/%s %s\r\n%s%sa=%s\r\n%s",
		       d->id, d->version, family, ip, family, ip, d->port,
		       d->secret ? "SAVP" : "AVP", types,
		       strstr(types, "101") ? "a=rtpmap:101 telephone-event/8000\r\n" : "", crypto,
		       dir, video);
	return out;
}

static const char *write_sdp(const struct phone_call *c, const char *types, const char *dir,
			     bool answers, char out[PHONE_SDP_MAX])
{
	return c->phone->web ? phone_web_write(c, types, dir, answers, out, PHONE_SDP_MAX)
			     : write_plain(c, types, dir, out);
}

const char *phone_sdp_offer(struct phone_call *c, char out[PHONE_SDP_MAX])
{
	struct phone_sdp *d = &c->sdp;

	d->version++;
	d->offered = true;
	d->secret = c->phone->srtp;
	(void)snprintf(d->crypto, sizeof(d->crypto), "1 AES_CM_128_HMAC_SHA1_80");
	d->sends = true;
	d->receives = !d->hold;
	d->held |= d->hold;
	d->video |= c->phone->video && !d->secret;
	d->video_secret = false;
	d->video_port = c->phone->video && !d->secret ? (uint16_t)(d->port + 2) : 0;
	return write_sdp(c, c->phone->only ? c->phone->only : lists[d->codecs % COUNT_OF(lists)],
			 direction(true, !d->hold), false, out);
}

static struct bytes line_of(struct bytes sdp, const char *begin)
{
	struct bytes line;

	while (bytes_cut(&sdp, '\n', &line)) {
		if (bytes_starts(line, begin))
			return bytes_trim(line);
	}
	return (struct bytes){ 0 };
}

static bool has(struct bytes text, const char *what)
{
	return text.p && memmem(text.p, text.n, what, strlen(what));
}

static bool has_type(struct bytes m, const char *type)
{
	struct bytes word;

	while (bytes_cut(&m, ' ', &word)) {
		if (bytes_is(bytes_trim(word), type))
			return true;
	}
	return false;
}

/* It has that, and it is offered. */
static bool takes(const struct phone_call *c, struct bytes m, const char *type)
{
	return has_type(m, type) && (!c->phone->only || has_type(bytes_str(c->phone->only), type));
}

bool phone_sdp_takes(const struct phone_call *c, struct bytes offer)
{
	struct bytes m = line_of(offer, "m=audio");

	return takes(c, m, "8") || takes(c, m, "0");
}

/* RFC 4568 5.1.2: the tag and suite of the offer. */
static void copy_crypto(struct phone_sdp *d, struct bytes line)
{
	struct bytes tag = { 0 }, suite = { 0 };

	line = bytes_from(line, sizeof("a=crypto:") - 1);
	(void)bytes_cut(&line, ' ', &tag);
	(void)bytes_cut(&line, ' ', &suite);
	(void)snprintf(d->crypto, sizeof(d->crypto), BYTES_FMT " " BYTES_FMT, BYTES_ARG(tag),
		       BYTES_ARG(suite));
}

const char *phone_sdp_answer(struct phone_call *c, struct bytes offer, char out[PHONE_SDP_MAX])
{
	struct bytes m = line_of(offer, "m=audio");
	struct phone_sdp *d = &c->sdp;
	bool hears = !has(offer, "a=sendonly") && !has(offer, "a=inactive"); /* the offerer */
	bool says = !has(offer, "a=recvonly") && !has(offer, "a=inactive");
	char types[32];

	d->version++;
	d->agreed = true;
	d->secret = has(m, "RTP/SAVP");
	if (d->secret)
		copy_crypto(d, line_of(offer, "a=crypto:"));
	d->sends = hears;
	d->held |= d->hold;
	d->receives = says && !d->hold;
	d->video = line_of(offer, "m=video").n != 0;
	d->video_secret = has(line_of(offer, "m=video"), "RTP/SAVP");
	d->video_port = c->phone->video && !d->video_secret ? (uint16_t)(d->port + 2) : 0;
	(void)snprintf(types, sizeof(types), "%s%s", takes(c, m, "8") ? "8" : "0",
		       takes(c, m, "101") ? " 101" : "");
	return write_sdp(c, types, direction(d->sends, d->receives), true, out);
}

static uint64_t number_at(struct bytes line, unsigned field)
{
	struct bytes word = { 0 };
	uint64_t value = 0;

	for (unsigned i = 0; i <= field; i++) {
		if (!bytes_cut(&line, ' ', &word))
			return 0;
	}
	return bytes_u64(word, &value) ? 0 : value;
}

/* RFC 3264 8: the same text, or the next version of it. */
static void hear_origin(struct sim *s, const struct phone_call *c, struct phone_sdp *d,
			struct bytes sdp)
{
	struct bytes o = line_of(sdp, "o=");
	uint64_t id = number_at(o, 1);
	uint64_t version = number_at(o, 2);
	uint32_t hash = hash_crc32c(0, sdp);

	if (check_took(s, c->node_call))
		d->node_hash = 0;
	if (d->node_hash && id != d->node_id)
		check_fail(s, "%s: the o= line names another session", c->call_id);
	if (d->node_hash && version < d->node_version)
		check_fail(s, "%s: the version of the o= line goes back from %llu to %llu",
			   c->call_id, (unsigned long long)d->node_version,
			   (unsigned long long)version);
	if (d->node_hash && version == d->node_version && hash != d->node_hash)
		check_fail(s, "%s: another SDP with the same version of o=", c->call_id);
	d->node_id = id;
	d->node_version = version;
	d->node_hash = hash;
}

static void hear_keys(struct sim *s, struct phone_call *c, struct bytes m, struct bytes sdp)
{
	if (c->caller && c->state == PC_CALLING) /* of an INVITE that came when it was deleted */
		c->unknown |= document_is_unknown(s, c->phone->extension);
	if (has(m, "UDP/TLS") || has(sdp, "a=ice-") || has(sdp, "a=fingerprint"))
		check_fail(s, "%s: ICE or DTLS for a plain phone", c->call_id);
	if (has(m, "RTP/SAVP") != has(sdp, "a=crypto:"))
		check_fail(s, "%s: keys without SRTP, or SRTP without keys", c->call_id);
	if (!has(m, "RTP/SAVP") && !c->unknown &&
	    s->phones.secure[c->phone->extension] == SECURE_TLS)
		check_fail(s, "%s: plain RTP for an extension that wants SRTP only", c->call_id);
}

/* RFC 7866 6.3: it has said so in its INVITE. */
bool phone_sdp_is_aware(const struct sim *s, const struct phone_call *c)
{
	return s->recorders.on && c->caller && c->phone->index % 2;
}

void phone_sdp_hear(struct sim *s, struct phone_call *c, struct bytes sdp)
{
	struct bytes m = line_of(sdp, "m=audio");

	if (m.n == 0 || line_of(sdp, "v=0").n == 0) {
		check_fail(s, "%s: an SDP without audio", c->call_id);
		return;
	}
	if (document_narrows(s, c) && has_type(m, "0"))
		check_fail(s, "%s: a codec that its profile does not have", c->call_id);
	if (!line_of(sdp, "a=record:").n == phone_sdp_is_aware(s, c))
		check_fail(s, "%s: an SDP that says of recording what it should not", c->call_id);
	hear_origin(s, c, &c->sdp, sdp);
	if (c->phone->web)
		phone_web_hear(s, c, sdp);
	else
		hear_keys(s, c, m, sdp);
	if (!c->sdp.offered)
		return;
	if (!c->phone->web && has(m, "RTP/SAVP") != c->sdp.secret)
		check_fail(s, "%s: the answer has another profile than the offer", c->call_id);
	c->sdp.offered = false;
	c->sdp.agreed = true;
	if (!has_type(m, "8") && !has_type(m, "0"))
		check_fail(s, "%s: an answer with no codec of the offer", c->call_id);
	if (!c->sdp.receives && !has(sdp, "a=recvonly") && !has(sdp, "a=inactive"))
		check_fail(s, "%s: a=sendonly was answered with more than recvonly", c->call_id);
}

struct bytes phone_sdp_of(const struct sip_message *m)
{
	const struct body_part whole = { .type = m->content_type, .octets = m->body };
	struct bytes sdp;

	return body_session(&whole, &sdp) ? (struct bytes){ 0 } : sdp;
}
