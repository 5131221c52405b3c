using System.Text;

namespace MeshLite.Protocol.Grpc;

/// <summary>
/// The <c>grpc-message</c> header: UTF-8, every byte but 0x20-0x24 and 0x26-0x7E as <c>%XX</c> (PROTOCOL-HTTP2.md,
/// Status-Message). Pure.
/// </summary>
internal static class GrpcStatusText
{
    public static string Encode(string message)
    {
        if (!message.AsSpan().ContainsAnyExceptInRange(' ', '~') && !message.Contains('%'))
        {
            return message;
        }

        var text = new StringBuilder(message.Length * 3);
        foreach (var b in Encoding.UTF8.GetBytes(message))
        {
            if (b is >= 0x20 and <= 0x7E and not (byte)'%')
            {
                text.Append((char)b);
            }
            else
            {
                text.Append('%').Append(b.ToString("X2"));
            }
        }

        return text.ToString();
    }

    /// <summary>What is not a valid escape stays as it is: decoding a status never fails.</summary>
    public static string Decode(string value)
    {
        if (!value.Contains('%'))
        {
            return value;
        }

        var bytes = new List<byte>(value.Length);
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] == '%' && i + 2 < value.Length && char.IsAsciiHexDigit(value[i + 1]) && char.IsAsciiHexDigit(value[i + 2]))
            {
                bytes.Add(Convert.ToByte(value.Substring(i + 1, 2), 16));
                i += 2;
            }
            else
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(value, i, 1));
            }
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }
}
