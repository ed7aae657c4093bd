/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/profile.h"

static const struct {
	const char *name;
	struct offer_profile profile;
} g_profiles[] = {
	{ "RTP/AVP", { .secure = false, .feedback = false } },
	{ "RTP/AVPF", { .secure = false, .feedback = true } },
	{ "RTP/SAVP", { .secure = true, .feedback = false } },
	{ "RTP/SAVPF", { .secure = true, .feedback = true } },
	{ "UDP/TLS/RTP/SAVP", { .dtls = true } },
	{ "UDP/TLS/RTP/SAVPF", { .dtls = true, .feedback = true } },
};

bool offer_profile_read(struct offer_profile *out, struct bytes proto)
{
	*out = (struct offer_profile){ 0 };
	for (size_t i = 0; i < COUNT_OF(g_profiles); i++) {
		if (bytes_iis(proto, g_profiles[i].name)) {
			*out = g_profiles[i].profile;
			return true;
		}
	}
	return false;
}

const char *offer_profile_name(struct offer_profile p)
{
	unsigned keys = p.dtls ? 4 : p.secure ? 2 : 0; /* in that order */

	return g_profiles[keys + (p.feedback ? 1 : 0)].name;
}

bool offer_profile_has_dtls(const struct sdp *s)
{
	struct offer_profile profile;

	for (unsigned i = 1; i <= s->media_count; i++) {
		if (s->sections[i].port &&
		    offer_profile_read(&profile, sdp_slice(s, s->sections[i].proto)) &&
		    profile.dtls)
			return true;
	}
	return false;
}
