/* SPDX-License-Identifier: Apache-2.0 */
/* Requests outside of dialogs (RFC 3261 8.2). */
#include "sig/shard/shard_state.h"

/* For a phone that is not there nobody answers (RFC 5627 6.1). */
static uint16_t options_status(const struct shard *s, const struct sip_message *m)
{
	struct bytes value;

	return sip_param(m->uri.params, "gr", &value) ? shard_gruu_status(s, m) : 200;
}

static void options(struct shard *s, const struct sip_message *m)
{
	struct writer extra = writer_over(s->host.extra, HOST_EXTRA);
	struct shard_reply r = { .status = options_status(s, m) };

	respond_write_options(&extra, &s->host, RESPOND_ALLOW);
	r.extra = writer_lines(&extra);
	shard_reply_stateless(s, m, &r); /* RFC 3261 11.2 */
}

static void dispatch_by_method(struct shard *s, const struct sip_message *m)
{
	switch (m->method) {
	case SIP_INVITE:
		shard_invite(s, m);
		break;
	case SIP_REGISTER:
		shard_register(s, m);
		break;
	case SIP_OPTIONS:
		options(s, m);
		break;
	case SIP_BYE: /* only within a dialog */
	case SIP_PRACK:
		shard_refuse(s, NULL, m, 481, REFUSED_NO_DIALOG, (struct bytes){ 0 });
		break;
	case SIP_REFER:
		shard_refer(s, m);
		break;
	case SIP_SUBSCRIBE:
		shard_subscribe(s, m);
		break;
	case SIP_MESSAGE:
		shard_message(s, m);
		break;
	case SIP_ACK:
	case SIP_CANCEL:
	case SIP_INFO:
	case SIP_UPDATE:
	case SIP_NOTIFY:
	case SIP_PUBLISH:
		shard_refuse(s, NULL, m, 405, REFUSED_METHOD, BYTES_LIT(RESPOND_ALLOW));
		break;
	case SIP_UNKNOWN:
		shard_refuse(s, NULL, m, 501, REFUSED_METHOD, BYTES_LIT(RESPOND_ALLOW));
		break;
	}
}

void shard_request(struct shard *s, const struct sip_message *m)
{
	struct writer extra = writer_over(s->host.extra, HOST_EXTRA);

	if (respond_unsupported(&extra, &s->host, m)) {
		shard_refuse(s, NULL, m, 420, REFUSED_EXTENSION, writer_lines(&extra));
		return;
	}
	/* RFC 3261 26.2.2: TLS on every hop, and that includes this one */
	if (bytes_iis(m->uri.scheme, "sips") && !sip_transport_is_secure(m->hop.transport)) {
		shard_refuse(s, NULL, m, 416, REFUSED_SCHEME, (struct bytes){ 0 });
		return;
	}
	if (txns_is_merged(&s->txns, m)) { /* RFC 3261 8.2.2.2 */
		shard_refuse(s, NULL, m, 482, REFUSED_MERGED, (struct bytes){ 0 });
		return;
	}
	dispatch_by_method(s, m);
}
