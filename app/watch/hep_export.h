/* SPDX-License-Identifier: Apache-2.0 */
/* Copies for a collector, one UDP datagram each; what cannot be sent at once is lost and counted. The watching thread's. */
#ifndef APP_WATCH_HEP_EXPORT_H
#define APP_WATCH_HEP_EXPORT_H

#include "media/hep.h"

struct hep_settings {
	struct addr collector; /* ADDR_NONE: no export */
	uint32_t capture_id;
	char password[HEP_PASSWORD_MAX + 1];
};

struct hep_export {
	struct hep_settings settings;
	int fd;         /* -1: none */
	bool connected; /* there was a way to it */
	uint8_t *space; /* a datagram */
};

/* Why a copy did not go. */
enum hep_loss {
	HEP_LOSS_QUEUE, /* the thread does not keep up */
	HEP_LOSS_LONG,  /* longer than a datagram */
	HEP_LOSS_SEND,  /* the kernel did not take it, or nobody listens there */
	HEP_LOSSES,
};

void hep_export_setup(void); /* registers the metrics; main thread, once */
void hep_export_lost(enum hep_loss why);
/* Begins, changes or ends the export; without memory or descriptors there is none, and where there is no way to the collector yet, such as
 * before an interface is up, each copy looks for one. Both are logged. x: zeroed with fd -1 at first. */
void hep_export_configure(struct hep_export *x, const struct hep_settings *settings);
static inline bool hep_export_is_on(const struct hep_export *x)
{
	return x->fd >= 0;
}
/* capture_id and password are filled in. */
void hep_export_send(struct hep_export *x, struct hep_packet *p);
void hep_export_close(struct hep_export *x);

#endif
