/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted of questions and look-ups. */
#ifndef APP_DNS_DNS_METRIC_H
#define APP_DNS_DNS_METRIC_H

#include "sig/lookup/lookup.h"

enum { DNS_ANSWER_BAD = 0x100 }; /* beside the codes: it was no answer to the question */

void dns_metric_setup(void); /* main thread, once */
void dns_metric_query(bool tcp);
void dns_metric_answer(unsigned rcode);
void dns_metric_timeout(void);
void dns_metric_time(uint64_t took_ns);
/* A look-up is over: cached: it asked nobody. */
void dns_metric_lookup(enum lookup_state state, bool cached);
void dns_metric_waiting(uint32_t count);

#endif
