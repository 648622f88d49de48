"""Rules of carts, checkouts and orders: values and pure functions, no input or output."""
