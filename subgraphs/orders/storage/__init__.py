"""How carts, checkouts, orders and sagas are kept: tables and the statements over them."""
