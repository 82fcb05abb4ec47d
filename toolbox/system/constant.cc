// SPDX-License-Identifier: Apache-2.0
#include "applet.h"

namespace toolbox {

int true_applet(Context&, Arguments) { return 0; }
int false_applet(Context&, Arguments) { return 1; }

}  // namespace toolbox
