<?php
// Ask `suppress serve` before you send. Needs PHP 8 or later, and no package.
//
//   SERVICE=http://127.0.0.1:8090 php serve_client.php +14155552671 +14155552672

declare(strict_types=1);

function post(string $path, string $body, string $type = 'application/json'): string
{
    $headers = ["Content-Type: $type"];
    if (getenv('SUPPRESS_SERVE_TOKEN')) {
        $headers[] = 'Authorization: Bearer ' . getenv('SUPPRESS_SERVE_TOKEN');
    }
    $context = stream_context_create(['http' => [
        'method' => 'POST',
        'header' => $headers,
        'content' => $body,
        'ignore_errors' => true,
        'timeout' => 30,
    ]]);
    $service = getenv('SERVICE') ?: 'http://127.0.0.1:8090';
    $answer = @file_get_contents($service . $path, false, $context);
    // Whatever went wrong: nothing is sent.
    if ($answer === false) {
        throw new RuntimeException('The service does not answer.');
    }
    if (!preg_match('{^HTTP/\S+ 200 }', $http_response_header[0])) {
        throw new RuntimeException(json_decode($answer)->detail ?? $http_response_header[0]);
    }
    return $answer;
}

/** Return the number to send to, or null if nothing may be sent. */
function check(string $number, string $channel): ?string
{
    $question = json_encode(['number' => $number, 'channel' => $channel], JSON_THROW_ON_ERROR);
    $answer = json_decode(post('/check', $question), false, 512, JSON_THROW_ON_ERROR);
    return $answer->outcome === 'allowed' ? $answer->e164 : null;
}

/** Return the allowed ones of many recipients, as they were passed in. */
function filter(array $recipients, string $channel, string $key): array
{
    $query = http_build_query(['channel' => $channel, 'key' => $key, 'outcome' => 'allowed']);
    $body = json_encode($recipients, JSON_THROW_ON_ERROR);
    $answer = json_decode(post("/screen?$query", $body), true, 512, JSON_THROW_ON_ERROR);
    return array_column($answer['recipients'], 'recipient');
}

$numbers = array_slice($argv, 1);
foreach ($numbers as $number) {
    $to = check($number, 'sms');
    echo $to === null ? "not to $number\n" : "to $to\n";
}
$people = array_map(fn ($place, $phone) => ['id' => $place + 1, 'phone' => $phone],
    array_keys($numbers), $numbers);
echo json_encode(filter($people, 'sms', 'phone')), "\n";
