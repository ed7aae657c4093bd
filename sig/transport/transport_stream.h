/* SPDX-License-Identifier: Apache-2.0 */
/* The TCP and TLS half of transport.h; listeners of other transports are skipped, so hop.local is
 * the index into them all. */
#ifndef SIG_TRANSPORT_TRANSPORT_STREAM_H
#define SIG_TRANSPORT_TRANSPORT_STREAM_H

#include "sig/transport/transport.h"

struct transport_stream;

int transport_stream_open(struct transport_stream **out, const struct transport_settings *settings,
			  const struct transport_handlers *handlers) NODISCARD;
void transport_stream_close(struct transport_stream *t);
/* As transport_listen and transport_unlisten. */
int transport_stream_listen(struct transport_stream *t, uint32_t local) NODISCARD;
void transport_stream_unlisten(struct transport_stream *t, uint32_t local);
/* As transport_send_for. */
int transport_stream_send(struct transport_stream *t, uint8_t place, const struct sip_hop *hop,
			  struct bytes message);
void transport_stream_trust(struct transport_stream *t, const struct sip_hop *hop);
bool transport_stream_certified(const struct transport_stream *t, const struct sip_hop *hop,
				const char *domain);
void transport_stream_flush(struct transport_stream *t);
uint64_t transport_stream_next_ns(const struct transport_stream *t);
void transport_stream_expire(struct transport_stream *t, uint64_t now_ns);
const struct addr *transport_stream_bound(const struct transport_stream *t, uint32_t local);
uint32_t transport_stream_count(const struct transport_stream *t, enum sip_transport transport);

#endif
