/* SPDX-License-Identifier: Apache-2.0 */
/* How the calls of this node sounded, as histograms over both legs of each call that had audio. */
#ifndef SIG_HOST_SOUND_METRIC_H
#define SIG_HOST_SOUND_METRIC_H

#include "sig/host/cdr.h"

/* Before other threads run (metric_register). */
void sound_metrics_open(void);
/* Once per call, when it is over. */
void sound_metrics_add(const struct cdr *cdr);

#endif
