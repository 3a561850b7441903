﻿locals {}
