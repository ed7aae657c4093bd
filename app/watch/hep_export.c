/* SPDX-License-Identifier: Apache-2.0 */
#include "app/watch/hep_export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metric.h"

enum { HEP_SPACE = HEP_PAYLOAD_MAX + HEP_ROOM };

static struct {
	metric_id sent, lost[HEP_LOSSES];
} g_hep_metrics;

void hep_export_setup(void)
{
	static const char *const labels[HEP_LOSSES] = {
		[HEP_LOSS_QUEUE] = "reason=\"queue_full\"",
		[HEP_LOSS_LONG] = "reason=\"too_long\"",
		[HEP_LOSS_SEND] = "reason=\"not_sent\"",
	};

	g_hep_metrics.sent = metric_register(METRIC_COUNTER, "tandem_hep_sent_total", NULL,
					     "Copies sent to the collector.");
	for (size_t i = 0; i < HEP_LOSSES; i++) {
		g_hep_metrics.lost[i] =
			metric_register(METRIC_COUNTER, "tandem_hep_lost_total", labels[i],
					"Copies that did not go to the collector.");
	}
}

void hep_export_lost(enum hep_loss why)
{
	metric_add(g_hep_metrics.lost[why], 1);
}

static int hep_way_find(struct hep_export *x)
{
	struct sockaddr_storage sa;
	uint32_t length = addr_to_sockaddr(&x->settings.collector, &sa);

	if (connect(x->fd, (const struct sockaddr *)&sa, length))
		return -errno;
	x->connected = true;
	LOG_INFO("hep", 0, "export begins", LOG_ADDR("collector", &x->settings.collector));
	return 0;
}

static int export_open(struct hep_export *x)
{
	int family = x->settings.collector.family == ADDR_V6 ? AF_INET6 : AF_INET;
	int err;

	x->space = malloc(HEP_SPACE);
	if (!x->space)
		return -ENOMEM;
	x->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (x->fd >= 0)
		return 0;
	err = -errno;
	free(x->space);
	x->space = NULL;
	return err;
}

void hep_export_configure(struct hep_export *x, const struct hep_settings *settings)
{
	int err;

	hep_export_close(x);
	x->settings = *settings;
	if (settings->collector.family == ADDR_NONE)
		return;
	err = export_open(x);
	if (!err)
		err = hep_way_find(x);
	if (err)
		LOG_ERROR("hep", 0, "there is no way to hep.collector",
			  LOG_ADDR("collector", &settings->collector),
			  LOG_STR("error", strerror(-err)));
}

void hep_export_send(struct hep_export *x, struct hep_packet *p)
{
	struct writer w = writer_over(x->space, HEP_SPACE);
	ssize_t n;

	if (!x->connected && hep_way_find(x)) {
		hep_export_lost(HEP_LOSS_SEND);
		return;
	}
	p->capture_id = x->settings.capture_id;
	p->password = bytes_str(x->settings.password);
	if (hep_write(&w, p)) {
		hep_export_lost(HEP_LOSS_LONG);
		return;
	}
	/* an error of the one before, which nobody took, is told here: this one has not gone then */
	n = send(x->fd, w.p, w.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		hep_export_lost(errno == EMSGSIZE ? HEP_LOSS_LONG : HEP_LOSS_SEND);
	else
		metric_add(g_hep_metrics.sent, 1);
}

void hep_export_close(struct hep_export *x)
{
	if (x->fd >= 0)
		(void)close(x->fd);
	free(x->space);
	explicit_bzero(x, sizeof(*x));
	x->fd = -1;
}
