/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/leg/flow.h"

static void secret_begin(struct flow_secret *s, uint64_t first)
{
	s->rtp.first = first;
	s->rtp.limit = s->rtp.granted = first + SRTP_RESERVE;
}

void secret_renew(struct call_host *h, struct flow_secret *s)
{
	*s = (struct flow_secret){ .key = { .length = SECRET_LEN } };
	rand_fill(h->rand, s->key.octets, SECRET_LEN);
	secret_begin(s, 1 + rand_below(h->rand, SRTP_FIRST_END - 1));
	s->rtcp.limit = s->rtcp.granted = SRTCP_RESERVE;
}

int secret_make(struct call_host *h, struct call_flow *f)
{
	f->secret = calloc(1, sizeof(*f->secret));
	if (!f->secret)
		return -ENOMEM;
	secret_renew(h, f->secret);
	return 0;
}

bool secret_rekey(struct flow_secret *s)
{
	uint64_t limit = s->rtp.limit;

	secret_begin(s, srtp_index_anew(s->rtp.first));
	return s->rtp.limit != limit;
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
