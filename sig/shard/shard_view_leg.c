/* SPDX-License-Identifier: Apache-2.0 */
/* What others may see of one party of a call. Of session descriptions only names of codecs and suites: the rest may hold keys. */
#include "media/payload.h"
#include "sig/shard/shard_state.h"

static void write_codecs(struct writer *w, const struct sdp *sdp, unsigned section)
{
	struct payload_list list;

	payload_list_read(&list, sdp, section);
	for (uint8_t i = 0; i < list.count; i++) {
		const struct payload *p = &list.at[i];

		if (p->name.n == 0 || payload_is(p, "telephone-event") || payload_is(p, "CN"))
			continue;
		if (w->n)
			writer_u8(w, ',');
		writer_bytes(w, p->name);
	}
}

/* "1 AES_CM_128_HMAC_SHA1_80 inline:..." (RFC 4568 9.1) */
static void write_suite(struct writer *w, const struct sdp *sdp, unsigned section)
{
	struct bytes rest, word;

	if (w->n == 0 && sdp_attribute(sdp, section, "crypto", &rest) &&
	    bytes_cut(&rest, ' ', &word) && bytes_cut(&rest, ' ', &word))
		writer_bytes(w, word);
}

static void view_session(const struct sdp *sdp, struct call_view_leg *out)
{
	struct writer codecs = writer_over(out->codecs, sizeof(out->codecs) - 1);
	struct writer suite = writer_over(out->suite, sizeof(out->suite) - 1);

	for (unsigned i = 1; i <= sdp->media_count; i++) {
		if (sdp->sections[i].port == 0)
			continue;
		write_codecs(&codecs, sdp, i);
		write_suite(&suite, sdp, i);
	}
	out->codecs[codecs.n] = out->suite[suite.n] = '\0';
}

void shard_view_codecs(const struct leg *l, struct call_view_leg *out)
{
	struct bytes answer = leg_sdp_answer(&l->sdp); /* it names what is used */
	struct sdp_error error;
	struct sdp sdp;

	if (answer.n && !sdp_parse(&sdp, answer, &error))
		view_session(&sdp, out);
}

void shard_view_leg(const struct shard *s, uint16_t tenant, const struct leg *l,
		    struct call_view_leg *out)
{
	*out = (struct call_view_leg){
		.transport = l->dialog.hop.transport,
		.held = l->held,
		.muted = l->muted,
	};
	(void)bytes_cstr(bytes_str(shard_profile_of(s, tenant, &l->dialog.hop.remote)->name),
			 out->profile, sizeof(out->profile));
}
