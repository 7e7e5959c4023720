<?php
// The database of docker/compose.yaml, and not a word to the world outside.
define('DB_NAME', 'drupal');
define('DB_USER', 'drupal');
define('DB_PASSWORD', trim(file_get_contents('/run/secrets/db-password')));
define('DB_HOST', 'db');
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
$table_prefix = 'wp_';
define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
