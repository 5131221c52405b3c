using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace MeshLite.Hosting;

/// <summary>
/// Options as all programs write them: <c>ADDR:PORT</c> for listeners (port 0 picks a free one), and a
/// <c>MESHLITE_*</c> variable as default of a flag. Pure factories.
/// </summary>
public static class CommonOptions
{
    /// <summary>A listener's address, <c>ADDR:PORT</c> or <c>[V6]:PORT</c>.</summary>
    public static Option<IPEndPoint> EndPoint(string name, IPEndPoint? byDefault, string description)
    {
        var option = new Option<IPEndPoint>(name)
        {
            Description = $"{description} (ADDR:PORT; port 0 picks a free one)",
            HelpName = "ADDR:PORT",
            CustomParser = ParseEndPoint,
        };
        if (byDefault is not null)
        {
            option.DefaultValueFactory = _ => byDefault;
        }

        return option;
    }

    /// <summary>How much is logged, <c>--log-level</c>.</summary>
    public static Option<LogLevel> LogLevel() => new Option<LogLevel>("--log-level")
    {
        Description = "Trace, Debug, Information, Warning, Error",
        HelpName = "LEVEL",
        DefaultValueFactory = _ => Microsoft.Extensions.Logging.LogLevel.Information,
    }.FromEnvironment();

    /// <summary>
    /// Gives a single-valued option its variable: <c>--control-plane-ca</c> is <c>MESHLITE_CONTROL_PLANE_CA</c>. The flag wins; an
    /// empty variable counts as unset. What the variable holds is parsed, and refused, as the flag's value would be.
    /// </summary>
    public static Option<T> FromEnvironment<T>(this Option<T> option, Func<string, string?>? read = null)
    {
        read ??= Environment.GetEnvironmentVariable;
        var variable = VariableOf(option.Name);
        var byDefault = option.DefaultValueFactory;
        option.Description = $"{option.Description} [{variable}]";
        option.DefaultValueFactory = result =>
        {
            if (read(variable) is { Length: > 0 } value)
            {
                return ParseVariable(option, variable, value, result);
            }

            // A required option is satisfied by its variable: so it is required here, not by the parser.
            return byDefault is null ? default! : byDefault(result);
        };
        return option;
    }

    /// <summary>Parses <c>ADDR:PORT</c>; a name or a missing port is an error.</summary>
    public static bool TryParseEndPoint(string text, out IPEndPoint endPoint)
    {
        endPoint = new IPEndPoint(IPAddress.None, 0);
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            return false;
        }

        var host = text[..colon];
        var bracketed = host is ['[', .., ']'];
        // IPAddress.Parse takes "1" for 0.0.0.1 and IPv6 without brackets; an option must not be guessed at.
        if (!IPAddress.TryParse(bracketed ? host[1..^1] : host, out var address)
            || bracketed != (address.AddressFamily == AddressFamily.InterNetworkV6)
            || (!bracketed && host.Count(c => c == '.') != 3))
        {
            return false;
        }

        endPoint = new IPEndPoint(address, port);
        return true;
    }

    internal static string VariableOf(string option) => "MESHLITE_" + option.TrimStart('-').Replace('-', '_').ToUpperInvariant();

    private static IPEndPoint? ParseEndPoint(ArgumentResult result)
    {
        if (result.Tokens is [var token] && TryParseEndPoint(token.Value, out var endPoint))
        {
            return endPoint;
        }

        var value = string.Join(' ', result.Tokens.Select(t => t.Value));
        result.AddError($"{(result.Parent as OptionResult)?.Option.Name}: '{value}' is not ADDR:PORT, for example 127.0.0.1:15012");
        return null;
    }

    private static T ParseVariable<T>(Option<T> option, string variable, string value, ArgumentResult result)
    {
        // The option's own parser decides, in a command of its own, so that flag and variable can never differ.
        var probe = new Option<T>(option.Name) { CustomParser = option.CustomParser, Arity = option.Arity };
        var parsed = new RootCommand { probe }.Parse([option.Name, value]);
        if (parsed.Errors is [var first, ..])
        {
            result.AddError($"{variable}: {first.Message}");
            return default!;
        }

        return parsed.GetValue(probe)!;
    }
}
