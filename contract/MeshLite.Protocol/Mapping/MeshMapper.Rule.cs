using Google.Protobuf.WellKnownTypes;
using MeshLite.Model;
using Proto = MeshLite.Protocol.V1;

namespace MeshLite.Protocol.Mapping;

/// <content>The rules of a destination.</content>
public static partial class MeshMapper
{
    private static RouteRuleConfig FromProto(Proto.RouteRule rule, int backends, string field) => new()
    {
        Name = rule.Name,
        Backends = [.. rule.Backends.Select((b, i) => new WeightedBackendConfig(
            Field.Index(b.Backend, backends, $"{field}.backends[{i}].backend"), Field.Weight(b.Weight, $"{field}.backends[{i}].weight")))],
        RequestHeaders = rule.RequestHeaders is { } request ? FromProto(request, $"{field}.request_headers") : null,
        ResponseHeaders = rule.ResponseHeaders is { } response ? FromProto(response, $"{field}.response_headers") : null,
        RequestTimeout = rule.RequestTimeout is { } timeout ? Field.Duration(timeout, $"{field}.request_timeout") : null,
        BackendRequestTimeout = rule.BackendRequestTimeout is { } attempt ? Field.Duration(attempt, $"{field}.backend_request_timeout") : null,
        Retry = rule.Retry is { } retry ? FromProto(retry, $"{field}.retry") : RetryConfig.Default,
        Hedge = rule.Hedge is { } hedge ? new HedgeConfig(Field.Duration(hedge.Delay, TimeSpan.Zero, $"{field}.hedge.delay")) : null,
        Fallback = rule.Fallback is { } fallback ? FromProto(fallback, backends, $"{field}.fallback") : null,
        Sticky = rule.Sticky is { } sticky ? FromProto(sticky, $"{field}.sticky") : null,
        Fault = rule.Fault is { } fault ? FromProto(fault, $"{field}.fault") : null,
        Mirrors = [.. rule.Mirrors.Select((m, i) => new MirrorConfig(
            Field.Index(m.Backend, backends, $"{field}.mirrors[{i}].backend"), Field.Percent(m.Percent, $"{field}.mirrors[{i}].percent")))],
        Redirect = rule.Redirect is { } redirect ? FromProto(redirect, $"{field}.redirect") : null,
        Rewrite = rule.Rewrite is { } rewrite ? FromProto(rewrite, $"{field}.rewrite") : null,
    };

    private static Proto.RouteRule ToProto(RouteRuleConfig rule) => new()
    {
        Name = rule.Name,
        Backends = { rule.Backends.Select(b => new Proto.WeightedBackend { Backend = (uint)b.Backend, Weight = (uint)b.Weight }) },
        RequestHeaders = rule.RequestHeaders is { } request ? ToProto(request) : null,
        ResponseHeaders = rule.ResponseHeaders is { } response ? ToProto(response) : null,
        RequestTimeout = ToProto(rule.RequestTimeout),
        BackendRequestTimeout = ToProto(rule.BackendRequestTimeout),
        Retry = ReferenceEquals(rule.Retry, RetryConfig.Default) ? null : ToProto(rule.Retry),
        Hedge = rule.Hedge is { } hedge ? new() { Delay = Duration.FromTimeSpan(hedge.Delay) } : null,
        Fallback = rule.Fallback is { } fallback ? ToProto(fallback) : null,
        Sticky = rule.Sticky is { } sticky ? ToProto(sticky) : null,
        Fault = rule.Fault is { } fault ? ToProto(fault) : null,
        Mirrors = { rule.Mirrors.Select(m => new Proto.Mirror { Backend = (uint)m.Backend, Percent = m.Percent }) },
        Redirect = rule.Redirect is { } redirect ? ToProto(redirect) : null,
        Rewrite = rule.Rewrite is { } rewrite ? new() { Hostname = rewrite.Hostname ?? "", Path = ToProto(rewrite.Path) } : null,
    };

    private static RetryConfig FromProto(Proto.Retry retry, string field) => new()
    {
        Attempts = Field.Count(retry.Attempts, 0, $"{field}.attempts"),
        Codes = [.. retry.Codes.Select((code, i) => Field.Status(code, $"{field}.codes[{i}]"))],
        GrpcCodes = [.. retry.GrpcCodes.Select((code, i) => Field.Count(code, 1, $"{field}.grpc_codes[{i}]"))],
        Methods = [.. retry.Methods.Select((method, i) => Field.Token(method, $"{field}.methods[{i}]"))],
        Backoff = Field.Duration(retry.Backoff, TimeSpan.Zero, $"{field}.backoff"),
    };

    private static Proto.Retry ToProto(RetryConfig retry) => new()
    {
        Attempts = (uint)retry.Attempts,
        Codes = { retry.Codes.Select(code => (uint)code) },
        GrpcCodes = { retry.GrpcCodes.Select(code => (uint)code) },
        Methods = { retry.Methods },
        Backoff = Duration.FromTimeSpan(retry.Backoff),
    };

    private static FallbackConfig FromProto(Proto.Fallback fallback, int backends, string field) => fallback.FallbackCase switch
    {
        Proto.Fallback.FallbackOneofCase.Response => new()
        {
            Response = new StaticResponseConfig(
                Field.Status(fallback.Response.Status, $"{field}.response.status"),
                Field.HeaderValue(fallback.Response.ContentType, $"{field}.response.content_type"),
                fallback.Response.Body),
        },
        Proto.Fallback.FallbackOneofCase.Backend => new() { Backend = Field.Index(fallback.Backend, backends, $"{field}.backend") },
        _ => throw Field.Bad(field, "neither response nor backend"),
    };

    private static Proto.Fallback ToProto(FallbackConfig fallback) => fallback.Response is { } response
        ? new() { Response = new() { Status = (uint)response.Status, ContentType = response.ContentType, Body = response.Body } }
        : new() { Backend = (uint)fallback.Backend!.Value };

    private static StickyConfig FromProto(Proto.Sticky sticky, string field) => sticky.KeyCase switch
    {
        Proto.Sticky.KeyOneofCase.Cookie => new()
        {
            Cookie = Field.Token(sticky.Cookie.Name, $"{field}.cookie.name"),
            CookieTtl = sticky.Cookie.Ttl is { } ttl ? Field.Duration(ttl, $"{field}.cookie.ttl") : null,
        },
        Proto.Sticky.KeyOneofCase.Header => new() { Header = Field.Token(sticky.Header, $"{field}.header") },
        _ => throw Field.Bad(field, "neither cookie nor header"),
    };

    private static Proto.Sticky ToProto(StickyConfig sticky) => sticky.Header is { } header
        ? new() { Header = header }
        : new() { Cookie = new() { Name = sticky.Cookie, Ttl = ToProto(sticky.CookieTtl) } };

    private static FaultConfig FromProto(Proto.Fault fault, string field) => new()
    {
        Delay = Field.Duration(fault.Delay?.Duration, TimeSpan.Zero, $"{field}.delay.duration"),
        DelayPercent = Field.Percent(fault.Delay?.Percent ?? 0, $"{field}.delay.percent"),
        AbortStatus = fault.Abort is { } abort ? Field.Status(abort.Status, $"{field}.abort.status") : 0,
        AbortPercent = Field.Percent(fault.Abort?.Percent ?? 0, $"{field}.abort.percent"),
    };

    private static Proto.Fault ToProto(FaultConfig fault) => new()
    {
        Delay = fault.Delay > TimeSpan.Zero ? new() { Duration = Duration.FromTimeSpan(fault.Delay), Percent = fault.DelayPercent } : null,
        Abort = fault.AbortStatus != 0 ? new() { Status = (uint)fault.AbortStatus, Percent = fault.AbortPercent } : null,
    };

    private static RedirectConfig FromProto(Proto.Redirect redirect, string field) => new()
    {
        Scheme = redirect.Scheme switch
        {
            "" => null,
            "http" or "https" => redirect.Scheme,
            _ => throw Field.Bad($"{field}.scheme", $"'{redirect.Scheme}' is neither http nor https"),
        },
        Hostname = redirect.Hostname.Length == 0 ? null : Field.HeaderValue(redirect.Hostname, $"{field}.hostname"),
        Port = redirect.Port == 0 ? null : Field.Port(redirect.Port, $"{field}.port"),
        Path = FromProto(redirect.Path, $"{field}.path"),
        StatusCode = redirect.StatusCode is 301 or 302 or 303 or 307 or 308
            ? (int)redirect.StatusCode : throw Field.Bad($"{field}.status_code", $"{redirect.StatusCode} is no redirect"),
    };

    private static Proto.Redirect ToProto(RedirectConfig redirect) => new()
    {
        Scheme = redirect.Scheme ?? "",
        Hostname = redirect.Hostname ?? "",
        Port = (uint)(redirect.Port ?? 0),
        Path = ToProto(redirect.Path),
        StatusCode = (uint)redirect.StatusCode,
    };

    private static UrlRewriteConfig FromProto(Proto.UrlRewrite rewrite, string field) => new()
    {
        Hostname = rewrite.Hostname.Length == 0 ? null : Field.HeaderValue(rewrite.Hostname, $"{field}.hostname"),
        Path = FromProto(rewrite.Path, $"{field}.path"),
    };

    private static PathRewriteConfig? FromProto(Proto.PathRewrite? path, string field) => path is null ? null
        : path.Value.Length == 0 || path.Value[0] == '/'
            ? new PathRewriteConfig(Field.Enum<PathRewriteType>(path.Type, $"{field}.type"), Field.HeaderValue(path.Value, $"{field}.value"))
            : throw Field.Bad($"{field}.value", $"'{path.Value}' does not begin with /");

    private static Proto.PathRewrite? ToProto(PathRewriteConfig? path) =>
        path is null ? null : new() { Type = (Proto.PathRewrite.Types.Type)path.Type, Value = path.Value };

    private static Duration? ToProto(TimeSpan? time) => time is { } value ? Duration.FromTimeSpan(value) : null;
}
