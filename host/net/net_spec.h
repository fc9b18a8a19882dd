/* net_spec.h: rules that every network keeps, wherever it came from. */
#ifndef LENSLET_NET_NET_SPEC_H
#define LENSLET_NET_NET_SPEC_H

#include "lenslet/net.h"

/* One layer at least, names of the allowed letters and unique, kinds that exist, one input image.
 */
lens_status lens_net_spec_check(const lens_net_spec *spec);

#endif
