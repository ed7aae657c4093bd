/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/leg/flow.h"

/* RFC 3711 3.3.1: a first index so low that the receiver cannot take a late packet for the wrong roll-over. */
enum { FIRST_BELOW = 1 << 15 };

int secret_make(struct call_host *h, struct call_flow *f)
{
	struct flow_secret *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->key.length = SECRET_LEN;
	rand_fill(h->rand, s->key.octets, SECRET_LEN);
	s->rtp.first = 1 + rand_below(h->rand, FIRST_BELOW - 1);
	s->rtp.limit = s->rtp.granted = s->rtp.first + SRTP_RESERVE;
	s->rtcp.limit = s->rtcp.granted = SRTCP_RESERVE;
	f->secret = s;
	return 0;
}

int secret_restore(struct call_flow *f, const struct secret_record *record, uint64_t now)
{
	struct flow_secret *s = calloc(1, sizeof(*s));
	uint64_t later =
		record->incarnation && now > record->incarnation ? now - record->incarnation : 0;
	uint64_t before = later > SECRET_SHARES ? SECRET_SHARES : later - (later > 0);
	uint64_t own = later > 0 && later <= SECRET_SHARES;

	if (!s)
		return -ENOMEM;
	s->key.length = (uint8_t)record->key.n;
	memcpy(s->key.octets, record->key.p, record->key.n);
	s->rtp.first = record->limit + before * SECRET_SHARE;
	s->rtcp.first = record->limit_rtcp + before * SECRET_SHARE_RTCP;
	s->rtp.limit = s->rtp.granted = s->rtp.first + own * SECRET_SHARE;
	s->rtcp.limit = s->rtcp.granted = s->rtcp.first + own * SECRET_SHARE_RTCP;
	f->secret = s;
	return 0;
}

void secret_free(struct call_flow *f)
{
	if (f->secret)
		explicit_bzero(f->secret, sizeof(*f->secret));
	free(f->secret);
	f->secret = NULL;
}
